package exchangetest

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
)

// number makes a payload of size bytes that begins with n.
func number(n uint32, size int) []byte {
	p := make([]byte, max(size, 4))
	binary.LittleEndian.PutUint32(p, n)
	return p
}

// message reads the next frame as a message and returns its number; notices of
// drops are counted.
func (c *Client) message(notices *int) (id uint32, topic string, n uint32) {
	c.t.Helper()
	for {
		f, err := c.Next()
		if err != nil {
			c.t.Fatal(err)
		}
		if f.Type == wire.Error {
			e, err := f.Error()
			if err != nil || e.Code != wire.Overflow || e.Refused != wire.Subscribe {
				c.t.Fatalf("ERROR %v %s", e.Code, e.Text)
			}
			*notices++
			continue
		}
		b, err := f.Topical()
		if err != nil || f.Type != wire.Message || len(b.Payload) < 4 {
			c.t.Fatalf("%v %q: %v", f.Type, f.Body, err)
		}
		return f.ID, string(b.Topic), binary.LittleEndian.Uint32(b.Payload)
	}
}

// testOrder: several publishers on several topics at once; each topic of each
// arrives whole and in order.
func testOrder(t *testing.T, f Fixture) {
	const publishers, topics, each = 3, 2, 5_000
	b := Start(t, f, exchange.Options{BlockTimeout: time.Minute}) // a slow machine loses nothing
	sub := b.Client(BobToken)
	sub.Subscribe(1, "a/#", wire.Block, 0)
	var sending sync.WaitGroup
	defer sending.Wait()
	for p := range publishers {
		c := b.Client(AliceToken)
		for k := range topics {
			c.Register(uint32(k+1), fmt.Sprintf("a/%d/%d", p, k))
		}
		sending.Go(func() {
			for n := range uint32(each) {
				if err := c.TrySend(wire.AppendPublish(nil, 1, number(n, 40)), wire.AppendPublish(nil, 2, number(n, 400))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	next := map[string]uint32{}
	notices := 0
	for range publishers * topics * each {
		_, topic, n := sub.message(&notices)
		if n != next[topic] {
			t.Fatalf("%s: message %d, want %d", topic, n, next[topic])
		}
		next[topic]++
	}
	sub.ExpectNothing()
}

func testLarge(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{BlockTimeout: time.Minute}) // a slow machine loses nothing
	sub, pub := b.Client(BobToken), b.Client(AliceToken)
	sub.Subscribe(1, "a/+", wire.Block, 0)
	pub.Register(1, "a/large")
	var sending sync.WaitGroup
	defer sending.Wait()
	sizes := []int{1 << 20, 0, 1, 65535, 65536, 1<<20 - 1, 8192, 300_000, 1 << 20}
	sending.Go(func() {
		for i, size := range sizes {
			if err := pub.TrySend(wire.AppendPublish(nil, 1, pattern(size, i))); err != nil {
				t.Error(err)
			}
		}
	})
	for i, size := range sizes {
		sub.ExpectMessage(1, "a/large", string(pattern(size, i)))
	}
}

// pattern is size bytes in which a shifted or lost piece shows.
func pattern(size, seed int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(i ^ i>>8 ^ i>>16*7 ^ seed)
	}
	return p
}

// testBlock: a subscriber with policy block that does not read stops its
// publisher; nothing is lost when it reads again.
func testBlock(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{BlockTimeout: time.Minute})
	sub, pub := b.Client(BobToken), b.Client(AliceToken)
	sub.Subscribe(1, "a/b", wire.Block, 10)
	pub.Register(1, "a/b")
	const total = 5_000
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for n := range uint32(total) {
			if pub.TrySend(wire.AppendPublish(nil, 1, number(n, 2_000))) != nil {
				return
			}
		}
	}()
	select {
	case <-sent:
		t.Error("10 MB were published although nobody reads")
	case <-time.After(200 * time.Millisecond):
	}
	// The publisher waits; the rest of the broker does not.
	other, another := b.Client(AliceToken), b.Client(BobToken)
	another.Subscribe(1, "b/x", wire.Block, 0)
	other.Register(1, "b/x")
	other.Publish(1, "through")
	another.ExpectMessage(1, "", "through")

	notices := 0
	for want := range uint32(total) {
		if _, _, n := sub.message(&notices); n != want {
			t.Fatalf("message %d, want %d", n, want)
		}
	}
	<-sent
}

// testBlockGivesUp: a subscriber with policy block that never reads costs its
// publisher the time once, not for each message.
func testBlockGivesUp(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{BlockTimeout: 100 * time.Millisecond})
	sub, pub := b.Client(BobToken), b.Client(AliceToken)
	sub.Subscribe(1, "a/b", wire.Block, 10)
	pub.Register(1, "a/b")
	start := time.Now()
	for n := range uint32(3_000) {
		pub.Send(wire.AppendPublish(nil, 1, number(n, 2_000)))
	}
	pub.ExpectNothing() // all was handled
	if took := time.Since(start); took > Patience/2 {
		t.Errorf("it took %v", took)
	}
	if b.Of(Bob).Dropped == 0 {
		t.Error("nothing was dropped")
	}
}

// testDropOldest: a subscriber that does not read costs bounded memory, is
// told, and then gets the newest.
func testDropOldest(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{MaxQueued: 1 << 20})
	sub, pub := b.Client(BobToken), b.Client(AliceToken)
	sub.Subscribe(1, "a/b", wire.DropOldest, 100)
	sub.Subscribe(2, "a/#", wire.DropOldest, 50)
	pub.Register(1, "a/b")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const total = 50_000
	for n := range uint32(total) {
		pub.Send(wire.AppendPublish(nil, 1, number(n, 1_000)))
	}
	pub.ExpectNothing()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("%d bytes more for a subscriber that does not read", grown)
	}
	last := map[uint32]uint32{}
	var received uint64
	notices := 0
	for last[1] != total-1 || last[2] != total-1 {
		id, _, n := sub.message(&notices)
		if received++; n < last[id] {
			t.Fatalf("subscription %d: message %d after %d", id, n, last[id])
		}
		last[id] = n
	}
	if dropped := b.Of(Bob).Dropped; received+dropped != 2*total {
		t.Errorf("%d received, %d dropped, want %d together", received, dropped, 2*total)
	}
	if notices == 0 {
		t.Error("the subscriber was not told")
	}
}

func testDropNewest(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	sub, pub := b.Client(BobToken), b.Client(AliceToken)
	sub.Subscribe(1, "a/b", wire.DropNewest, 100)
	pub.Register(1, "a/b")
	const total = 20_000
	for n := range uint32(total) {
		pub.Send(wire.AppendPublish(nil, 1, number(n, 1_000)))
	}
	pub.ExpectNothing()
	stats := b.Of(Bob)
	if stats.Dropped == 0 || stats.Out+stats.Dropped != total {
		t.Errorf("%d out, %d dropped, want %d together", stats.Out, stats.Dropped, total)
	}
	notices, last := 0, -1
	for i := range int(stats.Out) {
		_, _, n := sub.message(&notices)
		if int(n) <= last || i < 100 && int(n) != i {
			t.Fatalf("message %d after %d: the oldest ones stay, in order", n, last)
		}
		last = int(n)
	}
	pub.Publish(1, strings.Repeat("x", 100))
	for {
		f, err := sub.Next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == wire.Message {
			break
		}
		notices++
	}
	if notices == 0 {
		t.Error("the subscriber was not told")
	}
}

// testNeverReads: a client that asks without end and never reads the answers
// is not read any more, at a bounded cost.
func testNeverReads(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{MaxQueued: 256 << 10})
	c := b.Client(AliceToken)
	done := make(chan struct{})
	go func() {
		defer close(done)
		flood := make([]byte, 0, 64<<10)
		for len(flood) < 60<<10 {
			flood = wire.AppendPublish(flood, 9, nil) // refused: unknown-id
		}
		for c.TrySend(flood) == nil {
			continue
		}
	}()
	Until(t, "its answers wait", func() bool {
		s := b.Of(Alice).Sessions
		return len(s) == 1 && s[0].Queued > 256<<10
	})
	time.Sleep(100 * time.Millisecond)
	if q := b.Of(Alice).Sessions[0].Queued; q > 8<<20 {
		t.Errorf("%d bytes wait for it", q)
	}
	b.Client(BobToken).ExpectNothing() // others are served
	c.Close()
	<-done
}
