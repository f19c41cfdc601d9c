package api

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"strings"
)

// markup writes HTML. Text is escaped wherever it comes in; there is no way to
// write any that is not. (Why not html/template: executing a template makes the
// linker keep every exported method of the binary, 4.5 MB.)
type markup struct{ b strings.Builder }

// open writes a start tag; attributes are names and values in turn.
func (m *markup) open(tag string, attributes ...string) {
	m.b.WriteString("<" + tag)
	for i := 0; i+1 < len(attributes); i += 2 {
		m.b.WriteString(" " + attributes[i] + `="` + html.EscapeString(attributes[i+1]) + `"`)
	}
	m.b.WriteString(">")
}

func (m *markup) close(tag string) { m.b.WriteString("</" + tag + ">\n") }

func (m *markup) text(s string) { m.b.WriteString(html.EscapeString(s)) }

// element is a tag with text in it.
func (m *markup) element(tag, text string, attributes ...string) {
	m.open(tag, attributes...)
	m.prose(text)
	m.close(tag)
}

// prose writes text in which `this` is code.
func (m *markup) prose(s string) {
	for i, part := range strings.Split(s, "`") {
		if i%2 == 0 {
			m.text(part)
			continue
		}
		m.open("code")
		m.text(part)
		m.b.WriteString("</code>")
	}
}

// paragraphs writes prose that blank lines part.
func (m *markup) paragraphs(s string) {
	for part := range strings.SplitSeq(s, "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			m.element("p", part)
		}
	}
}

func (m *markup) link(to, text string) { m.element("a", text, "href", to) }

// begin writes everything up to the page's content, end what comes after it.
func (m *markup) begin(title string) {
	m.b.WriteString("<!doctype html>\n")
	m.open("html", "lang", "en")
	m.b.WriteString(`<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`)
	m.element("title", title)
	m.b.WriteString("<style>" + style + "</style></head>\n<body><main>\n")
	m.element("h1", title)
}

func (m *markup) end() []byte {
	m.b.WriteString("</main></body></html>\n")
	return []byte(m.b.String())
}

const style = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--link:light-dark(#0a58ca,#7fb2ff)}
body{font:16px/1.55 system-ui,sans-serif;margin:0}
main{max-width:60rem;margin:0 auto;padding:1rem 1.25rem 6rem}
a{color:var(--link)}
code,.path{font-family:ui-monospace,monospace;font-size:.92em}
code{background:var(--soft);padding:.1em .3em;border-radius:3px}
h2{margin-top:3rem;border-bottom:1px solid var(--line)}
h3{margin-top:2rem}
.method{display:inline-block;min-width:4.5em;font-weight:700}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}
td:first-child{white-space:nowrap}
ul.index{list-style:none;padding:0;columns:22rem}
ul.index li{break-inside:avoid}
`

// pagePolicy lets a page do nothing but have its own style.
func pagePolicy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
