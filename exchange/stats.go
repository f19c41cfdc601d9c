package exchange

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"fescue.dev/fescue/spec"
)

// Stats are the router's figures since it was made.
type Stats struct {
	Applications []ApplicationStats `json:"applications"` // by name; the agent itself is ""
}

// ApplicationStats are one application's figures since it was granted.
type ApplicationStats struct {
	Application spec.Name      `json:"application"`
	Sessions    []SessionStats `json:"sessions"`
	In          uint64         `json:"in" doc:"Messages it published."`
	InBytes     uint64         `json:"inBytes" doc:"Of their payloads."`
	Out         uint64         `json:"out" doc:"Messages queued for it."`
	OutBytes    uint64         `json:"outBytes" doc:"Of their payloads."`
	Dropped     uint64         `json:"dropped" doc:"Messages for it that were dropped: its queue was full, or they were larger than it accepts."`
	Denied      uint64         `json:"denied" doc:"Times it was refused a topic."`
}

// SessionStats are one session's.
type SessionStats struct {
	Link          string `json:"link" doc:"unix, mqueue, worker; local and nats for the agent's own."`
	Client        string `json:"client" doc:"What the client calls itself."`
	Subscriptions int    `json:"subscriptions"`
	Registrations int    `json:"registrations"`
	Queued        int    `json:"queued" doc:"Bytes that wait for it."`
}

type counts struct{ in, inBytes, out, outBytes, dropped uint64 }

func (c *counts) add(o counts) {
	c.in += o.in
	c.inBytes += o.inBytes
	c.out += o.out
	c.outBytes += o.outBytes
	c.dropped += o.dropped
}

func (s *session) counts() counts {
	s.mu.Lock()
	c := counts{in: s.published, inBytes: s.publishedBytes}
	s.mu.Unlock()
	s.out.mu.Lock()
	c.out, c.outBytes, c.dropped = s.out.sent, s.out.sentBytes, s.out.dropped
	s.out.mu.Unlock()
	return c
}

// Stats collects the figures.
func (r *Router) Stats() Stats {
	var st Stats
	r.mu.Lock()
	apps := []*application{r.agent}
	for _, a := range r.apps {
		apps = append(apps, a)
	}
	sessions := map[*application][]*session{}
	past := map[*application]counts{}
	for _, a := range apps {
		past[a] = a.past
		for s := range a.sessions {
			sessions[a] = append(sessions[a], s)
		}
	}
	r.mu.Unlock()
	for _, a := range apps {
		as := ApplicationStats{Application: a.name, Denied: a.denied.Load(), Sessions: []SessionStats{}}
		total := past[a]
		for _, s := range sessions[a] {
			total.add(s.counts())
			as.Sessions = append(as.Sessions, s.stats())
		}
		as.In, as.InBytes, as.Out, as.OutBytes, as.Dropped = total.in, total.inBytes, total.out, total.outBytes, total.dropped
		st.Applications = append(st.Applications, as)
	}
	slices.SortFunc(st.Applications, func(a, b ApplicationStats) int { return cmp.Compare(a.Application, b.Application) })
	return st
}

func (s *session) stats() SessionStats {
	st := SessionStats{Link: s.kind}
	s.mu.Lock()
	st.Client, st.Subscriptions, st.Registrations = s.name, len(s.subs), len(s.regs)
	s.mu.Unlock()
	s.out.mu.Lock()
	st.Queued = s.out.bytes + s.out.held
	s.out.mu.Unlock()
	return st
}

// topicTable remembers how much was published on each topic, also after its
// publishers have gone, for a bounded number of topics.
type topicTable struct {
	mu    sync.Mutex
	stats map[string]*topicStat
}

type topicStat struct {
	regs      map[*registration]struct{}
	past      uint64 // messages
	pastBytes uint64
	pastLast  LastMessage
}

func (t *topicTable) init() { t.stats = map[string]*topicStat{} }

// hold makes a registration count for its topic.
func (t *topicTable) hold(reg *registration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := t.stats[reg.topic]
	if st == nil {
		t.prune()
		st = &topicStat{regs: map[*registration]struct{}{}}
		t.stats[reg.topic] = st
	}
	st.regs[reg] = struct{}{}
}

// prune forgets a topic without publishers when there are many.
func (t *topicTable) prune() {
	if len(t.stats) < topicsKept {
		return
	}
	for name, st := range t.stats {
		if len(st.regs) == 0 {
			delete(t.stats, name)
			return
		}
	}
}

// release ends a registration's part; its session's mu is held.
func (t *topicTable) release(reg *registration) {
	reg.settle()
	t.mu.Lock()
	defer t.mu.Unlock()
	if st := t.stats[reg.topic]; st != nil {
		st.past += reg.count.Load()
		st.pastBytes += reg.bytes.Load()
		st.pastLast = reg.last.later(st.pastLast)
		delete(st.regs, reg)
	}
}

// gone keeps the figures of a session that has ended; Router.mu is held.
func (a *application) gone(s *session) {
	s.out.mu.Lock()
	c := s.publishedAtEnd
	c.out, c.outBytes, c.dropped = s.out.sent, s.out.sentBytes, s.out.dropped
	s.out.mu.Unlock()
	a.past.add(c)
}

func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
