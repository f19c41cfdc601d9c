package spec

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"fescue.dev/fescue/fail"
)

// reserved keys belong to the configuration's design and come with later
// versions; naming them is better than calling them unknown.
var reserved = map[string]string{
	"secrets": "secrets", "bridge": "bridges", "network": "network grants",
}

// pairs are the entries of a mapping, which the parser gives as one node or,
// with a single entry, as that entry.
func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func (r *reader) decodeInto(n ast.Node, c *Configuration) { r.value("", n, reflect.ValueOf(c).Elem()) }

// value decodes a node into v, by v's type.
func (r *reader) value(path string, n ast.Node, v reflect.Value) {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		r.fault(placeOfNode(n), path, "anchors, aliases and tags are not supported", "Write the value in full.")
		return
	}
	if path != "" {
		r.at[path] = placeOfNode(n)
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if text, ok := r.scalar(path, n, "text"); ok {
			r.report(path, n, u.UnmarshalText([]byte(text)))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		r.structure(path, n, v)
	case reflect.Map:
		r.mapping(path, n, v)
	case reflect.Slice:
		r.list(path, n, v)
	default:
		r.simple(path, n, v)
	}
}

// report makes err, if any, a fault at the node.
func (r *reader) report(path string, n ast.Node, err error) {
	if err != nil {
		r.fault(placeOfNode(n), path, err.Error(), fail.HintOf(err))
	}
}

// validate asks a value that can tell what is wrong with it.
func (r *reader) validate(path string, n ast.Node, v reflect.Value) {
	if checked, ok := v.Interface().(interface{ Validate() error }); ok {
		r.report(path, n, checked.Validate())
	}
}

// scalar is the text of a scalar as it was written.
func (r *reader) scalar(path string, n ast.Node, want string) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	r.mismatch(path, n, want)
	return "", false
}

func (r *reader) mismatch(path string, n ast.Node, want string) {
	r.fault(placeOfNode(n), path, fmt.Sprintf("%s is wanted here, not %s", want, kindOfNode(n)), "")
}

func kindOfNode(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode:
		return "a number"
	}
	return "text"
}

func (r *reader) simple(path string, n ast.Node, v reflect.Value) {
	var err error
	switch v.Kind() {
	case reflect.String:
		text, ok := r.scalar(path, n, "text")
		if !ok {
			return
		}
		v.SetString(text)
		r.validate(path, n, v)
		return
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			r.mismatch(path, n, "true or false")
			return
		}
		v.SetBool(b.Value)
	case reflect.Int:
		if _, ok := n.(*ast.IntegerNode); !ok {
			r.mismatch(path, n, "a whole number")
			return
		}
		var i int64
		i, err = strconv.ParseInt(strings.ReplaceAll(n.GetToken().Value, "_", ""), 0, 32)
		v.SetInt(i)
	case reflect.Float64:
		switch n.(type) {
		case *ast.IntegerNode, *ast.FloatNode:
		default:
			r.mismatch(path, n, "a number")
			return
		}
		var f float64
		f, err = strconv.ParseFloat(n.GetToken().Value, 64)
		v.SetFloat(f)
	}
	if err != nil {
		r.fault(placeOfNode(n), path, "the number cannot be read or is too large", "")
	}
}

func (r *reader) structure(path string, n ast.Node, v reflect.Value) {
	entries, ok := pairs(n)
	if !ok {
		r.mismatch(path, n, "a mapping")
		return
	}
	fields := fieldsOf(v.Type())
	r.entries(path, entries, func(key, at string, e *ast.MappingValueNode) {
		if i, known := fields[key]; known {
			r.value(at, e.Value, v.Field(i))
			return
		}
		r.unknown(at, key, e, v.Type())
	})
}

// entries calls each for every entry once, and reports keys that stand twice.
func (r *reader) entries(path string, all []*ast.MappingValueNode, each func(key, at string, e *ast.MappingValueNode)) {
	seen := map[string]position{}
	for _, e := range all {
		key, place := e.Key.GetToken().Value, placeOfToken(e.Key.GetToken())
		at := strings.TrimPrefix(path+"."+key, ".")
		if first, twice := seen[key]; twice {
			r.fault(place, at, fmt.Sprintf("the key stands twice, first in line %d", first.line), "Keep one of them.")
			continue
		}
		seen[key] = place
		each(key, at, e)
	}
}

func (r *reader) unknown(at, key string, e *ast.MappingValueNode, t reflect.Type) {
	place := placeOfToken(e.Key.GetToken())
	if what, ok := reserved[key]; ok {
		r.fault(place, at, what+" are not supported by this version of Fescue", "")
		return
	}
	suggestion := "valid here: " + strings.Join(keysOf(t), ", ")
	if near := nearest(key, keysOf(t)); near != "" {
		suggestion = "did you mean " + near + "?"
	}
	if len(key) > 64 {
		key = key[:64] + "…"
	}
	r.fault(place, at, fmt.Sprintf("unknown key %q", key), suggestion)
}

func (r *reader) mapping(path string, n ast.Node, v reflect.Value) {
	all, ok := pairs(n)
	if !ok {
		r.mismatch(path, n, "a mapping")
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(all)))
	r.entries(path, all, func(key, at string, e *ast.MappingValueNode) {
		k := reflect.New(v.Type().Key()).Elem()
		k.SetString(key)
		r.at[at] = placeOfToken(e.Key.GetToken())
		r.validate(at, e.Key, k)
		value := reflect.New(v.Type().Elem()).Elem()
		r.value(at, e.Value, value)
		v.SetMapIndex(k, value)
	})
}

func (r *reader) list(path string, n ast.Node, v reflect.Value) {
	all, ok := n.(*ast.SequenceNode)
	if !ok {
		r.mismatch(path, n, "a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(all.Values), len(all.Values)))
	for i, item := range all.Values {
		r.value(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
	}
}

// fieldsOf is the index of each field by its YAML key.
func fieldsOf(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		fields[key] = i
	}
	return fields
}

// keysOf are the YAML keys of a struct, in its order.
func keysOf(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i], _, _ = strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
	}
	return keys
}

// nearest is the word that a slip of the finger made into got, or "".
func nearest(got string, words []string) string {
	best, least := "", 3
	for _, w := range words {
		if d := distance(strings.ToLower(got), strings.ToLower(w)); d < least && d < len(w) {
			best, least = w, d
		}
	}
	return best
}

// distance is Levenshtein's, up to words of 32 bytes; beyond, it is large.
func distance(a, b string) int {
	if len(a) > 32 || len(b) > 32 {
		return 32
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
