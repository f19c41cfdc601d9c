package spec

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestGoldenSchema(t *testing.T) {
	got, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/schema.golden.json"
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("the schema changed; if that is meant, run make golden:\n%s", diff)
	}
}

// Every key that Decode knows is in the schema, with a description, and no other.
func TestSchemaHasEveryKey(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	type node struct {
		Description string          `json:"description"`
		Properties  map[string]node `json:"properties"`
		Items       *node           `json:"items"`
	}
	var root node
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	var compare func(path string, n node, of reflect.Type)
	compare = func(path string, n node, of reflect.Type) {
		if of.Kind() == reflect.Slice && n.Items != nil {
			n, of = *n.Items, of.Elem()
		}
		if of.Kind() != reflect.Struct {
			return
		}
		fields := fieldsOf(of)
		if len(fields) != len(n.Properties) {
			t.Errorf("%s: %d keys in the schema, %d in the type", path, len(n.Properties), len(fields))
		}
		for key, i := range fields {
			p, ok := n.Properties[key]
			if !ok || p.Description == "" {
				t.Errorf("%s.%s is missing or has no description", path, key)
			}
			compare(path+"."+key, p, of.Field(i).Type)
		}
	}
	compare("", root, reflect.TypeFor[Configuration]())
}
