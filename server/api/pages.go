package api

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// apiPage is the API's description for people.
func apiPage(o *huma.OpenAPI) []byte {
	m := &markup{}
	m.begin(o.Info.Title)
	m.paragraphs(o.Info.Description)
	m.open("p")
	m.link("/openapi.json", "openapi.json")
	m.text(" · ")
	m.link("/openapi.yaml", "openapi.yaml")
	m.text(" · ")
	m.link("/docs/errors", "errors")
	m.close("p")
	groups := grouped(o)
	m.index(groups)
	for _, g := range groups {
		m.element("h2", g.tag)
		for _, op := range g.operations {
			m.operation(op)
		}
	}
	m.element("h2", "Records")
	schemas := o.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		m.element("h3", name, "id", "record-"+name)
		m.properties(schemas[name])
	}
	return m.end()
}

// group is the operations of one tag.
type group struct {
	tag        string
	operations []*huma.Operation
}

// grouped sorts operations by tag, path and method.
func grouped(o *huma.OpenAPI) []group {
	var groups []group
	for _, path := range slices.Sorted(maps.Keys(o.Paths)) {
		item := o.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			i := slices.IndexFunc(groups, func(g group) bool { return g.tag == op.Tags[0] })
			if i < 0 {
				i = len(groups)
				groups = append(groups, group{tag: op.Tags[0]})
			}
			groups[i].operations = append(groups[i].operations, op)
		}
	}
	slices.SortFunc(groups, func(a, b group) int { return strings.Compare(a.tag, b.tag) })
	return groups
}

func (m *markup) index(groups []group) {
	m.open("ul", "class", "index")
	for _, g := range groups {
		for _, op := range g.operations {
			m.open("li")
			m.link("#"+op.OperationID, op.Method+" "+op.Path)
			m.close("li")
		}
	}
	m.close("ul")
}

func (m *markup) operation(op *huma.Operation) {
	m.open("h3", "id", op.OperationID)
	m.element("span", op.Method, "class", "method")
	m.element("span", op.Path, "class", "path")
	m.close("h3")
	m.element("p", op.Summary+".")
	m.paragraphs(op.Description)
	if len(op.Parameters) > 0 {
		m.table("Parameter", "In", "Kind", "")
		for _, p := range op.Parameters {
			m.row(p.Name, p.In, m.kind(p.Schema), p.Description)
		}
		m.close("table")
	}
	m.table("Body", "", "Kind", "")
	if op.RequestBody != nil {
		m.media("request", op.RequestBody.Description, op.RequestBody.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		m.media(statusName(status), r.Description, r.Content)
	}
	m.close("table")
}

func statusName(status string) string {
	if status == "default" {
		return "otherwise"
	}
	code, err := strconv.Atoi(status)
	if err != nil {
		return status
	}
	return status + " " + http.StatusText(code)
}

func (m *markup) media(what, description string, content map[string]*huma.MediaType) {
	if len(content) == 0 {
		m.row(what, "", "", description)
	}
	for _, kind := range slices.Sorted(maps.Keys(content)) {
		m.row(what, kind, m.kind(content[kind].Schema), description)
	}
}

func (m *markup) table(columns ...string) {
	m.open("table")
	m.open("tr")
	for _, c := range columns {
		m.element("th", c)
	}
	m.close("tr")
}

// row writes a row of a table; cells that start with # are links to a record.
func (m *markup) row(cells ...string) {
	m.open("tr")
	for _, c := range cells {
		m.open("td")
		if name, isRecord := strings.CutPrefix(c, "#"); isRecord {
			m.link("#record-"+strings.TrimPrefix(name, "list of "), name)
		} else {
			m.prose(c)
		}
		m.close("td")
	}
	m.close("tr")
}

// kind is a schema in a few words, or # and a record's name.
func (m *markup) kind(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return "#" + s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case s.Type == huma.TypeArray:
		of := m.kind(s.Items)
		if name, isRecord := strings.CutPrefix(of, "#"); isRecord {
			return "#list of " + name
		}
		return "list of " + of
	case s.Type == huma.TypeObject && s.Properties == nil:
		of, _ := s.AdditionalProperties.(*huma.Schema)
		return "map of " + strings.TrimPrefix(m.kind(of), "#")
	case s.Format == "date-time":
		return "time (RFC 3339)"
	case s.ContentEncoding != "":
		return s.ContentEncoding
	case s.Format == "binary":
		return "bytes"
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, e := range s.Enum {
			words[i], _ = e.(string)
		}
		return strings.Join(words, " | ")
	}
	return s.Type
}

func (m *markup) properties(s *huma.Schema) {
	m.table("Field", "Kind", "", "")
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		required := "optional"
		if slices.Contains(s.Required, name) {
			required = ""
		}
		p := s.Properties[name]
		m.row(name, m.kind(p), required, p.Description)
	}
	m.close("table")
}

// errorsPage is every code of a problem, where a problem's type leads to.
func errorsPage() []byte {
	m := &markup{}
	m.begin("Errors of the Fescue API")
	m.paragraphs("Every error is a problem (RFC 9457), of the content type `application/problem+json`. Its `code` is stable; `detail` tells what went wrong this time, `hint` what to do.")
	for _, c := range codes() {
		m.element("h2", string(c.Code), "id", string(c.Code))
		m.element("p", strconv.Itoa(c.Status)+" "+http.StatusText(c.Status)+": "+c.Title)
		m.paragraphs(c.Means)
		m.paragraphs(c.Remedy)
	}
	return m.end()
}
