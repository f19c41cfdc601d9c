package console

import (
	"crypto/rand"
	"io/fs"
	"net/http"
	"strings"
)

// policy is what pages of the console may do: load from this server alone, run its
// scripts, and set styles that carry the page's nonce, as its widgets do. There is
// no exception for scripts or styles written into the page.
func policy(style string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self' " + style + "; img-src 'self' data: blob:; font-src 'self'; " +
		"connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// nonceMark is where the page wants its nonce; see web/index.html.
const nonceMark = "%NONCE%"

// page is the console's one page. It is served with a nonce of its own each time:
// the scripts' libraries write styles into the document and show that they may.
type page struct{ before, after string }

func pageOf(dist fs.FS) page {
	text := unbuilt
	if compressed, err := fs.ReadFile(dist, index+suffix); err == nil {
		if plain, err := inflate(compressed); err == nil {
			text = string(plain)
		}
	}
	before, after, _ := strings.Cut(text, nonceMark)
	return page{before, after}
}

func (p page) serve(w http.ResponseWriter, r *http.Request) {
	nonce := rand.Text()
	h := w.Header()
	h.Set("Content-Security-Policy", policy("'nonce-"+nonce+"'"))
	h.Set("Cache-Control", "no-store") // a nonce is for once
	h.Set("Content-Type", "text/html; charset=utf-8")
	write(w, r, []byte(p.before+nonce+p.after))
}

func write(w http.ResponseWriter, r *http.Request, text []byte) {
	if r.Method == http.MethodGet {
		_, _ = w.Write(text) // fails only when the client has gone
	}
}

// unbuilt is the console of a binary that was built without it.
const unbuilt = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Fescue</title>
<style nonce="%NONCE%">:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1.25rem}</style></head>
<body><main>
<h1>Fescue</h1>
<p>The server runs. This binary was built without the web console, because npm was not there.</p>
<p>To build it in, install Node.js 20.19 or newer with npm, then: <code>make build</code></p>
<p>Everything can be done with the command line (<code>fescue --help</code>) and the API:
<a href="/docs">its description</a>, <a href="/openapi.yaml">openapi.yaml</a>.</p>
</main></body></html>
`
