package fail

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestKindsHaveStableNames(t *testing.T) {
	want := []string{
		"internal", "invalid", "unauthenticated", "denied", "not-found", "conflict", "too-large", "exhausted",
		"unavailable", "timeout", "canceled", "unsupported",
	}
	if len(kindNames) != len(want) {
		t.Fatalf("there are %d kinds, and %d names in this test", len(kindNames), len(want))
	}
	for k, name := range want {
		if got := Kind(k).String(); got != name {
			t.Errorf("kind %d is called %q, and was %q: these names are in APIs and databases", k, got, name)
		}
		if got := ParseKind(name); got != Kind(k) {
			t.Errorf("ParseKind(%q) is %v", name, got)
		}
	}
	if k := Kind(200); k.String() != "kind(200)" || ParseKind(k.String()) != Internal || ParseKind("") != Internal {
		t.Error("a kind that there is not")
	}
}

func TestErrorIsOneLine(t *testing.T) {
	for want, err := range map[string]*Error{
		"unpack artifact /x: no space": New(Exhausted, "unpack artifact", "no space").On("/x"),
		"unpack artifact: no space":    New(Exhausted, "unpack artifact", "no space"),
		"/x: no space":                 New(Exhausted, "", "no space").On("/x"),
		"no space":                     New(Exhausted, "", "no space"),
		"exhausted":                    {Kind: Exhausted},
		"read /x: timeout":             {Op: "read", Resource: "/x", Kind: Timeout},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// foreign is an error of another package that knows its kind.
type foreign struct{}

func (foreign) Error() string  { return "foreign" }
func (foreign) FailKind() Kind { return Conflict }

func TestKindOf(t *testing.T) {
	inner := New(NotFound, "read", "gone: %w", io.EOF).WithHint("Look %s.", "elsewhere")
	for what, c := range map[string]struct {
		err  error
		kind Kind
		hint string
	}{
		"nothing":               {nil, Internal, ""},
		"of others":             {io.EOF, Internal, ""},
		"plain":                 {inner, NotFound, "Look elsewhere."},
		"wrapped":               {Wrap(inner, Internal, "outer", "x"), NotFound, "Look elsewhere."},
		"wrapped by others":     {fmt.Errorf("so: %w", inner), NotFound, "Look elsewhere."},
		"wrapped twice":         {Wrap(fmt.Errorf("so: %w", inner), Invalid, "outer", ""), NotFound, "Look elsewhere."},
		"first kind given":      {Wrap(io.EOF, Timeout, "outer", ""), Timeout, ""},
		"outermost counts":      {New(Denied, "outer", "%w", inner), Denied, "Look elsewhere."},
		"outer hint counts":     {New(Denied, "outer", "%w", inner).WithHint("Ask."), Denied, "Ask."},
		"joined":                {errors.Join(io.EOF, inner), NotFound, "Look elsewhere."},
		"kind of others":        {foreign{}, Conflict, ""},
		"kind of others, inner": {Wrap(foreign{}, Internal, "outer", ""), Conflict, ""},
	} {
		if got := KindOf(c.err); got != c.kind {
			t.Errorf("%s: kind %v, want %v", what, got, c.kind)
		}
		if got := HintOf(c.err); got != c.hint {
			t.Errorf("%s: hint %q, want %q", what, got, c.hint)
		}
		for k := range kindNames {
			if Is(c.err, Kind(k)) != (c.err != nil && Kind(k) == c.kind) {
				t.Errorf("%s: Is(%v)", what, Kind(k))
			}
		}
	}
	if Wrap(nil, Internal, "x", "y") != nil {
		t.Error("nothing was wrapped to something")
	}
	if err := Wrap(inner, Internal, "outer", "x"); !errors.Is(err, io.EOF) || err.Error() != "outer x: read: gone: EOF" {
		t.Errorf("%v", err)
	}
}
