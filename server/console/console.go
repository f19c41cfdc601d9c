// Package console serves the web console that is embedded in the binary.
//
// The console's build (npm, from web/) fills the folder dist; `go build` works
// without it, and the console then is one page that says how to build it. Package
// app hands [Handler] to the API server, which asks it for every path that is not
// the API's.
//
// It promises: a browser runs nothing but what is in the binary; files whose
// names change with their content are kept by browsers, everything else is asked
// for again; a link into the console leads to the console.
package console

import (
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
)

//go:embed all:dist
var embedded embed.FS

// Handler serves the embedded console.
func Handler() http.Handler {
	dist, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(err) // the folder is embedded in this very package
	}
	return handler(dist)
}

// policy is what pages of the console may do: load from this server alone.
// Styles may be set by script, as its widgets do.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// hashed are the names that the build gives to files: they change with the content.
var hashed = regexp.MustCompile(`^assets/.*[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)

const index = "index.html"

func handler(dist fs.FS) http.Handler {
	page, err := fs.ReadFile(dist, index)
	if err != nil {
		page = []byte(unbuilt)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "the console is read with GET", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		text, err := fs.ReadFile(dist, name)
		switch {
		case err == nil && name != index && !strings.HasPrefix(name, "."):
			serve(h, name, w, r, text)
		case path.Ext(name) != "" && name != index:
			http.NotFound(w, r) // a file that is not there, not a place in the console
		default:
			h.Set("Cache-Control", "no-cache")
			h.Set("Content-Type", "text/html; charset=utf-8")
			write(w, r, page)
		}
	})
}

func serve(h http.Header, name string, w http.ResponseWriter, r *http.Request, text []byte) {
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-cache")
	if hashed.MatchString(name) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	write(w, r, text)
}

func write(w http.ResponseWriter, r *http.Request, text []byte) {
	if r.Method == http.MethodGet {
		_, _ = w.Write(text) // fails only when the client has gone
	}
}

// unbuilt is the console of a binary that was built without it.
const unbuilt = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Fescue</title></head>
<body>
<h1>Fescue</h1>
<p>The server runs. This binary was built without the web console.</p>
<p>To build it in: <code>npm --prefix web ci &amp;&amp; npm --prefix web run build</code>, then <code>make build</code>.</p>
<p>Everything can be done with the command line (<code>fescue --help</code>) and the API:
<a href="/docs">its description</a>, <a href="/openapi.yaml">openapi.yaml</a>.</p>
</body></html>
`
