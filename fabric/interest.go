package fabric

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// interest knows how many subscriptions of the data account match a subject.
//
// nats-server itself can be asked, but stops counting at the first wildcard that
// matches: good for "is there any", useless for "is there any but ours". So the
// subscriptions are listed, which is slow, whenever they have changed, and what
// was found for a subject is remembered until then.
type interest struct {
	nats    *server.Server
	account *server.Account
	listed  func([]server.SubDetail) // is shown each list

	listing sync.Mutex // one lists, the others wait for it
	view    atomic.Pointer[subscriptions]
}

// subscriptions is what was found at one moment.
type subscriptions struct {
	total            int    // of the account, to see a change at once
	inserts, removes uint64 // since its beginning, to see also one that leaves the total as it was
	filters          map[string]int
	counts           sync.Map // subject → int, found so far
	known            atomic.Int64
	start            time.Time
	checked          atomic.Int64 // when inserts and removes were compared, ns since start
	stale            atomic.Bool

	sessions sync.Once // what follows: found when first asked for
	awaited  []string  // filters of MQTT subscriptions with QoS, those of sessions that are away included
	waits    sync.Map  // subject → bool, found so far
}

const (
	// recheck is how long a client's subscription that took the place of
	// another may stay unseen. All other changes are seen at once.
	recheck = time.Millisecond
	// knownSubjects bounds what is remembered.
	knownSubjects = 10_000
	// most is more subscriptions than an account can have.
	most = 1 << 30
)

// count is exact for what nats-server knew when it was called.
func (i *interest) count(subject string) int {
	v := i.current()
	if n, known := v.counts.Load(subject); known {
		return n.(int)
	}
	n := 0
	for filter, times := range v.filters {
		if server.SubjectMatchesFilter(subject, filter) {
			n += times
		}
	}
	if v.known.Add(1) <= knownSubjects {
		v.counts.Store(subject, n)
	}
	return n
}

func (i *interest) current() *subscriptions {
	if v := i.view.Load(); v != nil && i.holds(v) {
		return v
	}
	i.listing.Lock()
	defer i.listing.Unlock()
	if v := i.view.Load(); v != nil && i.holds(v) {
		return v
	}
	v := i.list()
	i.view.Store(v)
	return v
}

// holds tells whether the view is still true.
func (i *interest) holds(v *subscriptions) bool {
	if v.stale.Load() || i.account.TotalSubs() != v.total {
		return false
	}
	now, last := int64(time.Since(v.start)), v.checked.Load()
	if now-last < int64(recheck) || !v.checked.CompareAndSwap(last, now) {
		return true
	}
	inserts, removes := i.changes()
	v.stale.Store(inserts != v.inserts || removes != v.removes)
	return !v.stale.Load()
}

func (i *interest) changes() (inserts, removes uint64) {
	s, err := i.nats.Subsz(&server.SubszOptions{Account: dataAccount})
	if err != nil {
		return 0, 0 // only for a bad test subject, of which there is none
	}
	return s.NumInserts, s.NumRemoves
}

// list reads the counters before the list: a change in between makes the view
// seem old, never new.
func (i *interest) list() *subscriptions {
	v := &subscriptions{total: i.account.TotalSubs(), filters: map[string]int{}, start: time.Now()}
	v.inserts, v.removes = i.changes()
	s, err := i.nats.Subsz(&server.SubszOptions{Account: dataAccount, Subscriptions: true, Limit: most})
	if err != nil {
		return v
	}
	i.listed(s.Subs)
	for _, sub := range s.Subs {
		v.filters[sub.Subject]++
	}
	return v
}

// awaited tells whether an MQTT subscription with QoS would get a message. Such a
// subscription is a durable reader of nats-server's stream, made between two
// subscriptions of the client's: after the second one the list is new.
func (i *interest) awaited(subject string) bool {
	v := i.current()
	v.sessions.Do(func() { v.awaited = i.readers() })
	if len(v.awaited) == 0 {
		return false
	}
	if waits, known := v.waits.Load(subject); known {
		return waits.(bool)
	}
	waits := slices.ContainsFunc(v.awaited, func(filter string) bool { return server.SubjectMatchesFilter(promisePrefix+subject, filter) })
	if v.known.Add(1) <= knownSubjects {
		v.waits.Store(subject, waits)
	}
	return waits
}

// readers lists the filters of the stream's durable readers but for this side's own.
func (i *interest) readers() (filters []string) {
	account, err := i.nats.JszAccount(&server.JSzOptions{Account: dataAccount, Streams: true, Consumer: true, Config: true})
	if err != nil {
		return []string{">"} // it is being opened anew: who knows
	}
	for _, s := range account.Streams {
		if s.Name != promiseStream {
			continue
		}
		for _, c := range s.Consumer {
			if c.Name != keptConsumer && c.Config != nil {
				filters = append(filters, c.Config.FilterSubject)
			}
		}
	}
	return filters
}
