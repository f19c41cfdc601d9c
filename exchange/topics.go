package exchange

import (
	"cmp"
	"maps"
	"slices"

	"fescue.dev/fescue/spec"
)

// TopicStat is a topic that somebody publishes on, or subscribes to, or may
// publish on; also a filter with wildcards that somebody subscribes to.
type TopicStat struct {
	Topic        spec.Topic `json:"topic"`
	Publishers   int        `json:"publishers" doc:"Sessions that have announced it or published on it lately."`
	Subscribers  int        `json:"subscribers" doc:"Subscriptions that match it."`
	Messages     uint64     `json:"messages"`
	Bytes        uint64     `json:"bytes" doc:"Of the messages' payloads."`
	PublishedBy  []string   `json:"publishedBy,omitempty" doc:"Who publishes: applications, @nats, @agent."`
	SubscribedBy []string   `json:"subscribedBy,omitempty"`
	Last         LastMessage
}

// Topics lists the topics in use, by name. A topic that an application may publish
// on and has not yet is among them: what a trigger replies on is seen before the first reply.
func (r *Router) Topics() []TopicStat {
	rows := map[string]*TopicStat{}
	row := func(topic string) *TopicStat {
		if rows[topic] == nil {
			rows[topic] = &TopicStat{Topic: spec.Topic(topic)}
		}
		return rows[topic]
	}
	r.topics.collect(row)
	for _, topic := range r.granted() {
		row(topic)
	}
	r.routing.RLock()
	r.trie.each(func(sub *subscription) {
		if sub.rule == nil {
			row(sub.filter)
		}
	})
	for topic, t := range rows {
		subs := r.trie.with(topic)
		if !hasWildcard(topic) {
			subs = r.trie.match(topic, nil)
		}
		t.SubscribedBy, t.Subscribers = subscribers(subs)
	}
	r.routing.RUnlock()
	list := make([]TopicStat, 0, len(rows))
	for _, t := range rows {
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b TopicStat) int { return cmp.Compare(a.Topic, b.Topic) })
	return list
}

// collect fills in what was published.
func (t *topicTable) collect(row func(string) *TopicStat) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, st := range t.stats {
		at := row(name)
		at.Publishers, at.Messages, at.Bytes, at.Last = len(st.regs), st.past, st.pastBytes, st.pastLast
		by := map[string]bool{}
		for reg := range st.regs {
			at.Messages += reg.count.Load()
			at.Bytes += reg.bytes.Load()
			at.Last = reg.last.later(at.Last)
			by[reg.by] = true
		}
		at.PublishedBy = slices.Sorted(maps.Keys(by))
	}
}

// granted are the topics, no filters, that applications may publish on.
func (r *Router) granted() (topics []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.apps {
		for _, f := range a.perms.Load().publish {
			if !hasWildcard(f) {
				topics = append(topics, f)
			}
		}
	}
	return topics
}

func subscribers(subs []*subscription) (names []string, n int) {
	by := map[string]bool{}
	for _, sub := range subs {
		if sub.rule == nil {
			by[sub.owner.principal()] = true
			n++
		}
	}
	return slices.Sorted(maps.Keys(by)), n
}
