package spec

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a configuration's text.
const (
	MaxConfigurationBytes = 256 << 10
	maxNesting            = 24
	maxFaults             = 100 // told at once; the rest is counted
)

// Document is a configuration together with where its parts stand in the text.
type Document struct {
	*Configuration
	file string
	at   map[string]position // by field path
}

type position struct{ line, column int }

// Decode reads a configuration strictly and fills in defaults. The error is
// [Faults]: everything that is wrong, each with its place. file is the name
// that faults carry.
func Decode(file string, text []byte) (*Configuration, error) {
	d, err := Read(file, text)
	if err != nil {
		return nil, err
	}
	return d.Configuration, nil
}

// Read is [Decode], keeping the places for [Document.CheckFiles].
func Read(file string, text []byte) (*Document, error) {
	r := &reader{file: file, at: map[string]position{}, faulty: map[string]bool{}}
	c := &Configuration{}
	if r.readable(text) {
		r.document(text, c)
	}
	if len(r.faults) == 0 || r.decoded {
		r.check(c)
	}
	if len(r.faults) > 0 {
		return nil, r.sorted()
	}
	c.fillDefaults()
	return &Document{Configuration: c, file: file, at: r.at}, nil
}

// reader collects what is wrong while a text is read.
type reader struct {
	file    string
	faults  Faults
	faulty  map[string]bool // fields with a fault of their own
	at      map[string]position
	decoded bool // the text was YAML and a mapping: further checks make sense
}

func (r *reader) fault(p position, field, message, suggestion string) {
	r.faulty[field] = true
	r.faults = append(r.faults, Fault{File: r.file, Line: p.line, Column: p.column, Field: field, Message: message, Suggestion: suggestion})
}

// faultAt is fault at the place of the field, or of the nearest field above it.
func (r *reader) faultAt(field, message, suggestion string) {
	r.fault(placeOf(r.at, field), field, message, suggestion)
}

func placeOf(at map[string]position, field string) position {
	for path := field; path != ""; path = parentOf(path) {
		if p, ok := at[path]; ok {
			return p
		}
	}
	return position{}
}

func parentOf(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

func (r *reader) sorted() Faults {
	slices.SortStableFunc(r.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if more := len(r.faults) - maxFaults; more > 0 {
		r.faults = append(r.faults[:maxFaults], Fault{File: r.file, Message: fmt.Sprintf("and %d more faults", more)})
	}
	return r.faults
}

// readable checks what must hold before the text is given to the YAML parser,
// whose own words for these faults do not help.
func (r *reader) readable(text []byte) bool {
	switch {
	case len(text) > MaxConfigurationBytes:
		r.fault(position{}, "", fmt.Sprintf("the configuration has %d bytes, more than %d", len(text), MaxConfigurationBytes), "")
		return false
	case !utf8.Valid(text):
		r.fault(position{}, "", "the configuration is not UTF-8 text", "Save it as UTF-8.")
		return false
	case len(bytes.TrimSpace(text)) == 0:
		r.fault(position{1, 1}, "", "the configuration is empty", "'fescue init python hello' writes one to start from.")
		return false
	}
	number, depth := 0, 0
	for line := range bytes.Lines(text) {
		number++
		r.checkLine(position{number, 1}, line)
		depth = nesting(line, depth)
		if depth > maxNesting || listsOpened(line) > maxNesting {
			r.fault(position{number, 1}, "", "nested too deeply", "")
			return false
		}
	}
	return len(r.faults) == 0
}

// listsOpened is how many lists within lists a line opens: "- - - …".
func listsOpened(line []byte) int {
	dashes := 0
	for _, c := range line {
		switch c {
		case '-', '?':
			dashes++
		case ' ':
		default:
			return dashes
		}
	}
	return 0 // a rule of dashes, not a list
}

func (r *reader) checkLine(p position, line []byte) {
	indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
	if i := bytes.IndexByte(indent, '\t'); i >= 0 && len(bytes.TrimSpace(line)) > 0 {
		r.fault(position{p.line, i + 1}, "", "a tab indents this line, which YAML does not allow", "Use spaces.")
	}
	if i := bytes.IndexByte(line, 0); i >= 0 {
		r.fault(position{p.line, i + 1}, "", "the text has a NUL byte", "")
	}
}

// nesting is an upper bound of how deep flow collections are open behind line.
func nesting(line []byte, depth int) int {
	for _, c := range line {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		}
	}
	return depth
}

// document parses the text and decodes its one mapping into c.
func (r *reader) document(text []byte, c *Configuration) {
	file, ok := r.parse(text)
	if !ok {
		return
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if body != nil {
			r.fault(placeOfNode(d.Body), "", "a file holds one configuration", "Write each application into a file of its own.")
			return
		}
		body = d.Body
	}
	if _, ok := pairs(body); !ok {
		r.fault(position{1, 1}, "", "a configuration is a mapping of keys to values", "Begin with 'name: …'.")
		return
	}
	r.decoded = true
	r.decodeInto(body, c)
}

// parse gives the text to the YAML parser. Its panics, which only malformed
// input has been seen to cause, are faults of the text.
func (r *reader) parse(text []byte) (file *ast.File, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			r.fault(position{1, 1}, "", "the text is not YAML", "")
			file, ok = nil, false
		}
	}()
	// Duplicate keys are reported by us, with the rest.
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return file, true
	}
	p, message := position{1, 1}, err.Error()
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		message = syntax.GetMessage()
		if t := syntax.GetToken(); t != nil {
			p = placeOfToken(t)
		}
	}
	r.fault(p, "", "this is not YAML: "+message, "")
	return nil, false
}

func placeOfToken(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{1, 1}
	}
	return position{t.Position.Line, t.Position.Column}
}

func placeOfNode(n ast.Node) position { return placeOfToken(firstToken(n)) }

// firstToken is where a node begins; for a mapping that is its first key, not
// the colon behind it.
func firstToken(n ast.Node) *token.Token {
	if all, ok := pairs(n); ok && len(all) > 0 {
		if m, flow := n.(*ast.MappingNode); flow && m.IsFlowStyle {
			return m.GetToken()
		}
		return all[0].Key.GetToken()
	}
	return n.GetToken()
}
