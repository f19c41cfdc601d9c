package spec

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// matchesNaively is MQTT 3.1.1, section 4.7, word for word, on lists of levels.
func matchesNaively(filter, topic []string, first bool) bool {
	if first && strings.HasPrefix(topic[0], "$") && (filter[0] == "+" || filter[0] == "#") {
		return false
	}
	switch {
	case len(filter) == 0:
		return len(topic) == 0
	case filter[0] == "#":
		return true
	case len(topic) == 0:
		return false
	case filter[0] == "+" || filter[0] == topic[0]:
		if len(topic) == 1 && len(filter) == 2 && filter[1] == "#" {
			return true // the parent
		}
		return matchesNaively(filter[1:], topic[1:], false)
	}
	return false
}

func levels(s string) []string { return strings.Split(s, "/") }

func drawTopic(words ...string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 4).Draw(t, "levels"), "/")
	})
}

func drawFilter() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		f := drawTopic("a", "b", "+", "", "$s").Draw(t, "filter")
		if rapid.Bool().Draw(t, "open") {
			f += "/#"
		}
		if rapid.IntRange(0, 20).Draw(t, "all") == 0 {
			return "#"
		}
		return f
	})
}

func TestMatchesNaively(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topic, filter := drawTopic("a", "b", "", "$s").Draw(t, "topic"), drawFilter().Draw(t, "f")
		if topic == "" || filter == "" {
			return
		}
		want := matchesNaively(levels(filter), levels(topic), true)
		if got := Filter(filter).Matches(Topic(topic)); got != want {
			t.Fatalf("%q matches %q: %v, want %v", filter, topic, got, want)
		}
	})
}

// universe is every topic of up to five levels over the filters' words and one
// word that no filter names; on it, covering is the same as matching more.
func universe() []Topic {
	var all []Topic
	var grow func(prefix string, depth int)
	grow = func(prefix string, depth int) {
		for _, w := range []string{"a", "b", "", "$s", "other"} {
			topic := prefix + w
			if topic != "" {
				all = append(all, Topic(topic))
			}
			if depth > 1 {
				grow(topic+"/", depth-1)
			}
		}
	}
	grow("", 5)
	return all
}

func TestCoversNaively(t *testing.T) {
	topics := universe()
	rapid.Check(t, func(t *rapid.T) {
		f, g := Filter(drawFilter().Draw(t, "f")), Filter(drawFilter().Draw(t, "g"))
		if f == "" || g == "" {
			return
		}
		want := true
		for _, topic := range topics {
			if g.Matches(topic) && !f.Matches(topic) {
				want = false
				break
			}
		}
		if got := f.Covers(g); got != want {
			t.Fatalf("%q covers %q: %v, want %v", f, g, got, want)
		}
	})
}

func TestValidTopics(t *testing.T) {
	for _, s := range []string{"a", "/", "a//b", "/a/", "$SYS/x", "grün/日本", "a b", strings.Repeat("x", 1024), strings.Repeat("/", 31)} {
		if err := Topic(s).Validate(); err != nil {
			t.Errorf("topic %.20q: %v", s, err)
		}
	}
	for _, s := range []string{"", "a/+", "#", "a\x00b", "a\nb", "\xff", strings.Repeat("x", 1025), strings.Repeat("/", 32), "a\u0085b"} {
		if err := Topic(s).Validate(); err == nil {
			t.Errorf("topic %.20q was accepted", s)
		}
	}
	for _, s := range []string{"#", "+", "a/+/b", "a/#", "+/+/#", "/#"} {
		if err := Filter(s).Validate(); err != nil {
			t.Errorf("filter %q: %v", s, err)
		}
	}
	for _, s := range []string{"", "a/#/b", "a#", "a/b+", "##", "#/", "++"} {
		if err := Filter(s).Validate(); err == nil {
			t.Errorf("filter %q was accepted", s)
		}
	}
}

func TestMatchingDoesNotAllocate(t *testing.T) {
	n := testing.AllocsPerRun(100, func() {
		if !Filter("a/+/#").Matches("a/b/c/d") || !Filter("a/#").Covers("a/+/c") {
			t.Error("does not match")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzTopics(f *testing.F) {
	for _, seed := range [][2]string{{"a/+", "a/b"}, {"#", "$x"}, {"a/#", "a"}, {"+/#", "#"}, {"//", "//"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := Filter(a), Filter(b)
		if x.Validate() != nil {
			return
		}
		if !x.Covers(x) {
			t.Errorf("%q does not cover itself", a)
		}
		if topic := Topic(b); topic.Validate() == nil {
			if got, want := x.Matches(topic), matchesNaively(levels(a), levels(b), true); got != want {
				t.Errorf("%q matches %q: %v, want %v", a, b, got, want)
			}
			if y.Validate() == nil && x.Covers(y) != x.Matches(topic) {
				t.Errorf("%q covers the one topic %q but does not match it, or the other way round", a, b)
			}
		}
	})
}

func BenchmarkMatches(b *testing.B) {
	for b.Loop() {
		Filter("sensors/+/temperature/#").Matches("sensors/kitchen/temperature/celsius")
	}
}
