package exchange

import (
	"strings"

	"fescue.dev/fescue/spec"
)

func hasWildcard(filter string) bool { return strings.ContainsAny(filter, "+#") }

// matches and covers are spec's, for what is text here.
func matches(filter, topic string) bool { return spec.Filter(filter).Matches(spec.Topic(topic)) }

func covers(wide, narrow string) bool { return spec.Filter(wide).Covers(spec.Filter(narrow)) }

// trie finds the subscriptions that match a topic: those without wildcards in
// a map, the others level by level.
type trie struct {
	exact map[string][]*subscription
	root  node
}

type node struct {
	children map[string]*node // "+" and "#" among them
	subs     []*subscription
}

func newTrie() trie { return trie{exact: map[string][]*subscription{}} }

func (t *trie) add(sub *subscription) {
	if sub.exact {
		t.exact[sub.filter] = append(t.exact[sub.filter], sub)
		return
	}
	n := &t.root
	for level := range strings.SplitSeq(sub.filter, "/") {
		next := n.children[level]
		if next == nil {
			next = &node{}
			if n.children == nil {
				n.children = map[string]*node{}
			}
			n.children[level] = next
		}
		n = next
	}
	n.subs = append(n.subs, sub)
}

func (t *trie) remove(sub *subscription) {
	if !sub.exact {
		t.root.remove(sub, sub.filter)
		return
	}
	rest := without(t.exact[sub.filter], sub)
	if t.exact[sub.filter] = rest; len(rest) == 0 {
		delete(t.exact, sub.filter)
	}
}

// remove takes sub out below n and prunes what is empty.
func (n *node) remove(sub *subscription, filter string) {
	level, rest, more := strings.Cut(filter, "/")
	child := n.children[level]
	if child == nil {
		return
	}
	if more {
		child.remove(sub, rest)
	} else {
		child.subs = without(child.subs, sub)
	}
	if len(child.subs) == 0 && len(child.children) == 0 {
		delete(n.children, level)
	}
}

func without(subs []*subscription, sub *subscription) []*subscription {
	for i, s := range subs {
		if s == sub {
			last := len(subs) - 1
			copy(subs[i:], subs[i+1:])
			subs[last] = nil
			return subs[:last]
		}
	}
	return subs
}

// match adds the subscriptions that match topic to found.
func (t *trie) match(topic string, found []*subscription) []*subscription {
	found = append(found, t.exact[topic]...)
	if len(t.root.children) == 0 {
		return found
	}
	if topic[0] != '$' { // else wildcards at the first level do not match
		return t.root.match(topic, found)
	}
	level, rest, more := strings.Cut(topic, "/")
	return t.root.descend(t.root.children[level], rest, more, found)
}

func (n *node) match(topic string, found []*subscription) []*subscription {
	level, rest, more := strings.Cut(topic, "/")
	if all := n.children["#"]; all != nil {
		found = append(found, all.subs...)
	}
	found = n.descend(n.children["+"], rest, more, found)
	return n.descend(n.children[level], rest, more, found)
}

func (n *node) descend(child *node, rest string, more bool, found []*subscription) []*subscription {
	if child == nil {
		return found
	}
	if more {
		return child.match(rest, found)
	}
	found = append(found, child.subs...)
	if all := child.children["#"]; all != nil { // a/# matches a
		found = append(found, all.subs...)
	}
	return found
}

// with returns the subscriptions to exactly this filter.
func (t *trie) with(filter string) []*subscription {
	if !hasWildcard(filter) {
		return t.exact[filter]
	}
	n := &t.root
	for level := range strings.SplitSeq(filter, "/") {
		if n = n.children[level]; n == nil {
			return nil
		}
	}
	return n.subs
}

// each goes through all subscriptions.
func (t *trie) each(visit func(*subscription)) {
	for _, subs := range t.exact {
		for _, sub := range subs {
			visit(sub)
		}
	}
	t.root.each(visit)
}

func (n *node) each(visit func(*subscription)) {
	for _, sub := range n.subs {
		visit(sub)
	}
	for _, child := range n.children {
		child.each(visit)
	}
}
