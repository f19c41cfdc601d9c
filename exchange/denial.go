package exchange

import (
	"slices"
	"sync"
	"time"

	"fescue.dev/fescue/spec"
)

// DenialKind says what was denied.
type DenialKind string

// The kinds.
const (
	DenyPublish   DenialKind = "publish"
	DenySubscribe DenialKind = "subscribe"
)

// Denial is something an application wanted to do and may not.
type Denial struct {
	// Credential: Application is the login of a client of NATS or MQTT.
	Credential  bool
	Application spec.Name
	Topic       string // or the filter
	Kind        DenialKind
	Count       uint64 // how often since it was reported last
}

const (
	denialPause = time.Second // between two reports of the same
	denialsKept = 1024        // different ones remembered
)

// denials collects what Run reports, so that a client that tries without end
// costs neither the router's time nor the log's space.
type denials struct {
	mu   sync.Mutex
	seen map[Denial]*tally // key: Count 0
	past map[Denial]*DenialStat
	wake chan struct{}
}

// DenialStat is how often something was denied since the router was made.
type DenialStat struct {
	Denial
	Last time.Time
}

type tally struct {
	count uint64
	said  time.Time
}

func (d *denials) init() {
	d.seen, d.past = map[Denial]*tally{}, map[Denial]*DenialStat{}
	d.wake = make(chan struct{}, 1)
}

// deny counts and notes a denial; s.mu is held.
func (s *session) deny(kind DenialKind, topic string) {
	s.app.denied.Add(1)
	s.router.denials.note(Denial{Application: s.app.name, Topic: topic, Kind: kind})
}

func (d *denials) note(key Denial) {
	d.mu.Lock()
	d.remember(key)
	t := d.seen[key]
	if t == nil && len(d.seen) < denialsKept {
		t = &tally{}
		d.seen[key] = t
	}
	if t != nil {
		t.count++
	}
	first := t != nil && t.said.IsZero()
	d.mu.Unlock()
	if first {
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
}

// remember counts for good, a bounded number of different ones. mu is held.
func (d *denials) remember(key Denial) {
	st := d.past[key]
	if st == nil {
		if len(d.past) >= denialsKept {
			for old := range d.past { // any one
				delete(d.past, old)
				break
			}
		}
		st = &DenialStat{Denial: key}
		d.past[key] = st
	}
	st.Count++
	st.Last = time.Now()
}

// Denials lists what was denied, the most recent first.
func (r *Router) Denials() []DenialStat {
	r.denials.mu.Lock()
	list := make([]DenialStat, 0, len(r.denials.past))
	for _, st := range r.denials.past {
		list = append(list, *st)
	}
	r.denials.mu.Unlock()
	slices.SortFunc(list, func(a, b DenialStat) int { return b.Last.Compare(a.Last) })
	return list
}

// report calls back and logs what is due, and forgets what has not happened
// again for a while. It tells whether there is more to come.
func (d *denials) report(o Options) bool {
	now := time.Now()
	var due []Denial
	d.mu.Lock()
	for key, t := range d.seen {
		rested := now.Sub(t.said) >= denialPause
		switch {
		case t.count > 0 && rested:
			key.Count = t.count
			due = append(due, key)
			t.count, t.said = 0, now
		case rested:
			delete(d.seen, key)
		}
	}
	more := len(d.seen) > 0
	d.mu.Unlock()
	for _, denial := range due {
		o.Log.Warn("denied", "application", denial.Application, "topic", denial.Topic, "kind", denial.Kind, "count", denial.Count)
		if o.OnDenial != nil {
			o.OnDenial(denial)
		}
	}
	return more
}
