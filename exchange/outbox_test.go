package exchange

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"fescue.dev/fescue/exchange/wire"
)

// model is what an outbox should do, written the simple way: one list of
// frames, of which the head may be sent in part.
type model struct {
	t      *rapid.T
	box    *outbox
	subs   []*subscription
	sent   []byte            // all bytes that were sent
	next   map[uint32]uint32 // the number of the next message, by subscription
	offers map[uint32]int
	newest map[uint32]int // the number after that of the last message that arrived
	got    int            // messages that arrived
}

func newModel(t *rapid.T) *model {
	m := &model{t: t, next: map[uint32]uint32{}, offers: map[uint32]int{}, newest: map[uint32]int{}}
	owner := &session{}
	m.box = &owner.out
	m.box.pool, m.box.max, m.box.maxBody = &segments{}, 20_000, 100_000
	m.box.subs = map[uint32]*subscription{}
	for id := range rapid.Uint32Range(1, 3).Draw(t, "subscriptions") {
		sub := &subscription{
			owner: owner, id: id + 1, policy: rapid.SampledFrom([]wire.Policy{wire.DropOldest, wire.DropNewest}).Draw(t, "policy"),
			limit: rapid.IntRange(1, 50).Draw(t, "limit"),
		}
		m.box.subs[sub.id] = sub
		m.subs = append(m.subs, sub)
	}
	return m
}

// offer is what a publisher does.
func (m *model) offer() {
	sub := rapid.SampledFrom(m.subs).Draw(m.t, "for")
	size := rapid.SampledFrom([]int{4, 4, 10, 100, 3_000, 70_000}).Draw(m.t, "size")
	p := make([]byte, size)
	binary.LittleEndian.PutUint32(p, m.next[sub.id])
	m.next[sub.id]++
	m.offers[sub.id]++
	n := wire.HeaderSize + 2 + len(p)
	if m.box.admit(sub, n) != accepted {
		return
	}
	seg := m.box.begin(n)
	seg.b = wire.AppendMessage(seg.b, sub.id, "", p)
	sub.queued++
	m.box.end(n)
	if waiting := sub.queued - sub.skip; waiting > sub.limit {
		m.t.Fatalf("%d messages wait, the limit is %d", waiting, sub.limit)
	}
	if m.box.bytes > m.box.max+n {
		m.t.Fatalf("%d bytes wait, the limit is %d", m.box.bytes, m.box.max)
	}
}

// send is what a writer does: it takes, others offer meanwhile, a part is sent.
func (m *model) send() {
	p := m.box.take()
	if p == nil {
		return
	}
	n := rapid.IntRange(0, len(p)).Draw(m.t, "sent")
	m.sent = append(m.sent, p[:n]...)
	for range rapid.IntRange(0, 3).Draw(m.t, "meanwhile") {
		m.offer()
	}
	m.box.done(n)
}

func (m *model) drain() {
	for p := m.box.take(); p != nil; p = m.box.take() {
		m.sent = append(m.sent, p...)
		m.box.done(len(p))
	}
}

// TestOutbox: whatever is offered, sent in pieces and dropped, what comes out
// are whole frames in order, and the counts add up.
func TestOutbox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "step") == 0 {
				m.send()
			} else {
				m.offer()
			}
		}
		m.drain()
		m.check()
	})
}

func (m *model) check() {
	buf := wire.NewBuffer(wire.MaxLength)
	for rest := m.sent; len(rest) > 0; {
		n := copy(buf.Space(0), rest)
		buf.Filled(n)
		rest = rest[n:]
		for f, ok := buf.Next(); ok; f, ok = buf.Next() {
			m.arrived(f)
		}
	}
	if buf.Partial() {
		m.t.Fatal("a part of a frame is left over")
	}
	total := 0
	for _, n := range m.offers {
		total += n
	}
	if m.box.bytes != 0 || m.box.dead != 0 || len(m.box.segs) != 0 {
		m.t.Fatalf("an empty box with %d bytes, %d dead frames, %d segments", m.box.bytes, m.box.dead, len(m.box.segs))
	}
	if int(m.box.dropped) != total-m.got {
		m.t.Fatalf("%d offered, %d arrived, %d dropped", total, m.got, m.box.dropped)
	}
}

// arrived checks the order of a subscription's messages.
func (m *model) arrived(f wire.Frame) {
	b, err := f.Topical()
	if err != nil || f.Type != wire.Message {
		m.t.Fatalf("%v %v", f.Type, err)
	}
	n := int(binary.LittleEndian.Uint32(b.Payload)) + 1
	if n <= m.newest[f.ID] {
		m.t.Fatalf("subscription %d: message %d after %d", f.ID, n, m.newest[f.ID])
	}
	m.newest[f.ID] = n
	m.got++
}

// TestOutboxFloodIsCheap: dropping the oldest costs the same for every message,
// also where another subscription's messages stand in front.
func TestOutboxFloodIsCheap(t *testing.T) {
	for _, others := range []int{0, 20_000} {
		owner := &session{}
		box := &owner.out
		box.pool, box.max, box.maxBody = &segments{}, 16<<20, 1<<20
		still := &subscription{owner: owner, id: 1, limit: 65535}
		flood := &subscription{owner: owner, id: 2, limit: 10_000}
		box.subs = map[uint32]*subscription{1: still, 2: flood}
		put := func(sub *subscription) {
			n := wire.HeaderSize + 2 + 8
			if box.admit(sub, n) == accepted {
				seg := box.begin(n)
				seg.b = wire.AppendMessage(seg.b, sub.id, "", make([]byte, 8))
				sub.queued++
				box.end(n)
			}
		}
		for range others {
			put(still)
		}
		const total = 500_000
		for range total {
			put(flood)
		}
		t.Logf("%d messages of another in front: %d frames swept for %d messages, %d bytes wait", others, box.swept, total, box.bytes)
		if box.swept > 8*total {
			t.Errorf("%d frames were swept for %d messages", box.swept, total)
		}
		if box.bytes > 3*(others+flood.limit)*18 {
			t.Errorf("%d bytes wait", box.bytes)
		}
	}
}
