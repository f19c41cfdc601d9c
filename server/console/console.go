// Package console serves the web console that is embedded in the binary.
//
// The console's build (npm, from web/) fills the folder dist with its files, each
// compressed with gzip, which every browser takes also over plain HTTP; `go build`
// works without it, and the console then is one page that says how to build it.
// Package app hands [Handler] to the API server, which asks it for every path that
// is not the API's.
//
// It promises: a browser runs nothing but what is in the binary; files whose
// names change with their content are kept by browsers, everything else is asked
// for again; a link into the console leads to the console.
package console

import (
	"embed"
	"io/fs"
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

// hashed are the names that the build gives to files: they change with the content.
var hashed = regexp.MustCompile(`^assets/.*[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)

const index = "index.html"

func handler(dist fs.FS) http.Handler {
	page := pageOf(dist)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy("'none'"))
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "the console is read with GET", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		text, err := fs.ReadFile(dist, name+suffix)
		switch {
		case err == nil && name != index:
			h.Set("Cache-Control", "no-cache")
			if hashed.MatchString(name) {
				h.Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			serveCompressed(w, r, name, text)
		case isFile.MatchString(name) && name != index:
			http.NotFound(w, r) // a file that is not there, not a place in the console
		default:
			page.serve(w, r)
		}
	})
}

// isFile tells files by their endings. Places in the console may have dots too: they
// are named after applications and topics.
var isFile = regexp.MustCompile(`^assets/|(^|/)\.[^/]*$|^[^/]*\.[a-z0-9]+$`)
