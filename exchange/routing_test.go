package exchange

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// levels from a small alphabet, so that filters and topics meet.
func drawFilter(t *rapid.T, wildcards bool) string {
	parts := []string{"a", "b", "", "$x", "c.d"}
	if wildcards {
		parts = append(parts, "+", "+")
	}
	levels := rapid.SliceOfN(rapid.SampledFrom(parts), 1, 4).Draw(t, "levels")
	if wildcards && rapid.Bool().Draw(t, "all") {
		levels = append(levels, "#")
	}
	if s := strings.Join(levels, "/"); s != "" {
		return s
	}
	return "a"
}

// TestTrieIsTheFilters: the trie finds what asking every filter finds, whatever
// was added and removed before.
func TestTrieIsTheFilters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trie := newTrie()
		var subs []*subscription
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if len(subs) > 0 && rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				i := rapid.IntRange(0, len(subs)-1).Draw(t, "which")
				trie.remove(subs[i])
				subs = slices.Delete(subs, i, i+1)
				continue
			}
			filter := drawFilter(t, true)
			sub := &subscription{filter: filter, exact: !hasWildcard(filter)}
			trie.add(sub)
			subs = append(subs, sub)
		}
		topic := drawFilter(t, false)
		found := trie.match(topic, nil)
		for _, sub := range subs {
			if want, have := matches(sub.filter, topic), slices.Contains(found, sub); want != have {
				t.Fatalf("%q and %q: found %v, want %v", sub.filter, topic, have, want)
			}
			if !slices.Contains(trie.with(sub.filter), sub) {
				t.Fatalf("%q is not found by its filter", sub.filter)
			}
		}
		all := 0
		trie.each(func(*subscription) { all++ })
		if all != len(subs) || len(found) > len(subs) {
			t.Fatalf("%d subscriptions, %d found, of %d", all, len(found), len(subs))
		}
		for _, sub := range subs {
			trie.remove(sub)
		}
		if len(trie.exact) > 0 || len(trie.root.children) > 0 {
			t.Fatal("an empty trie keeps nodes")
		}
	})
}

// TestSubjectsAreReversible for every topic that crosses, and say what NATS allows.
func TestSubjectsAreReversible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topic := rapid.StringOfN(rapid.SampledFrom([]rune("ab/. *>é$")), 1, 20, 100).Draw(t, "topic")
		subject, ok := subjectOf(topic)
		if !ok {
			if !private(topic) {
				t.Fatalf("%q does not cross", topic)
			}
			return
		}
		for level := range strings.SplitSeq(subject, ".") {
			if level == "" || level == "*" || level == ">" || strings.ContainsAny(level, " \t\r\n") {
				t.Fatalf("%q became %q, which NATS does not take", topic, subject)
			}
		}
		if back, ok := topicOf(subject); !ok || back != topic {
			t.Fatalf("%q became %q became %q (%v)", topic, subject, back, ok)
		}
	})
}

func TestSubjects(t *testing.T) {
	for topic, subject := range map[string]string{
		"a": "a", "a/b/c": "a.b.c", "/a": "/.a", "a/": "a./", "a//b": "a./.b", "/": "/./", "a.b": "a//b", ".": "//",
		"a b/c": "a/sb.c", "a/*": "a./a", "a/>/b": "a./g.b", "a*": "a*",
	} {
		if have, ok := subjectOf(topic); !ok || have != subject {
			t.Errorf("%q became %q, want %q", topic, have, subject)
		}
	}
	for filter, want := range map[string][]string{
		"#": {">"}, "+": {"*"}, "a/#": {"a.>", "a"}, "+/b/#": {"*.b.>", "*.b"}, "a//#": {"a./.>", "a./"}, "$SYS/#": nil, "_INBOX/+": nil,
	} {
		if have := subjectsOf(filter); !slices.Equal(have, want) {
			t.Errorf("%q became %q, want %q", filter, have, want)
		}
	}
	for _, subject := range []string{"a.b/c", "a/", "/x", "$JS.API.x", "_INBOX.x", "a.b\x01"} {
		if topic, ok := topicOf(subject); ok {
			t.Errorf("%q became %q", subject, topic)
		}
	}
}
