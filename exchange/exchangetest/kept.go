package exchangetest

import (
	"fmt"
	"testing"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/spec"
)

func (c *Client) store(id uint32, messageID, topic, payload string) {
	c.t.Helper()
	c.Send(wire.AppendStore(nil, id, messageID, topic, []byte(payload)))
}

func (c *Client) consume(id uint32, b wire.ConsumeBody) {
	c.t.Helper()
	c.Send(wire.AppendConsume(nil, id, b))
	c.Expect(wire.OK, id)
}

func fromOldest(place, filter string) wire.ConsumeBody {
	return wire.ConsumeBody{Start: wire.StartOldest, Place: []byte(place), Filter: []byte(filter)}
}

func (c *Client) expectDelivery(id uint32, payload string, attempt uint16) wire.DeliveryBody {
	c.t.Helper()
	d, err := c.Expect(wire.Delivery, id).Delivery()
	if err != nil {
		c.t.Fatal(err)
	}
	if string(d.Payload) != payload || d.Attempt != attempt {
		c.t.Fatalf("delivery %d %q attempt %d, want %q attempt %d", d.Sequence, d.Payload, d.Attempt, payload, attempt)
	}
	return d
}

// testStore: a message is told as stored when it is, reaches who subscribes, and
// a repetition changes nothing.
func testStore(t *testing.T, f Fixture) {
	dir := t.TempDir()
	b := StartIn(t, f, exchange.Options{}, dir)
	sub, pub := b.Client(BobToken), b.Client(AliceToken)
	sub.Subscribe(1, "a/#", wire.Block, 0)
	pub.store(1, "m1", "a/kept/x", "one")
	pub.Expect(wire.OK, 1)
	sub.ExpectMessage(1, "a/kept/x", "one")
	pub.store(2, "m1", "a/kept/x", "one")
	pub.Expect(wire.OK, 2)
	pub.store(3, "", "a/not/kept", "two")
	pub.ExpectError(3, wire.NotKept)
	pub.store(4, "", "c/denied", "two")
	pub.ExpectError(4, wire.Denied)
	pub.Send(wire.AppendPublishTo(nil, 5, "a/kept/y", []byte("with a receipt")), wire.AppendPublishTo(nil, 6, "a/b", []byte("not kept")))
	for range 2 { // that one waits for the disk and the other does not
		if f, err := pub.Next(); err != nil || f.Type != wire.OK || f.ID != 5 && f.ID != 6 {
			t.Fatal(f, err)
		}
	}
	sub.ExpectMessage(1, "a/kept/y", "with a receipt")
	sub.ExpectMessage(1, "a/b", "not kept")
	sub.ExpectNothing()
	for id := range uint32(100) {
		pub.store(100+id, "", "a/kept/full", string(pattern(20_000, 0)))
	}
	refused := 0
	for range 100 {
		f, err := pub.Next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == wire.Error {
			if e, err := f.Error(); err != nil || e.Code != wire.Quota || e.Refused != wire.Store {
				t.Fatalf("%v %s", e.Code, e.Text)
			}
			refused++
		}
	}
	if refused < 40 || refused > 60 {
		t.Errorf("%d of 100 messages of 20 kB were refused by a kept topic of 1 MiB", refused)
	}
}

// testConsume: what is kept is delivered until it is acknowledged, over
// disconnections and a restart.
func testConsume(t *testing.T, f Fixture) {
	dir := t.TempDir()
	b := StartIn(t, f, exchange.Options{}, dir)
	pub := b.Client(AliceToken)
	for n := range uint32(5) {
		pub.store(n+1, "", "a/kept/x", fmt.Sprint(n))
		pub.Expect(wire.OK, n+1)
	}
	c := b.Client(BobToken)
	c.consume(1, wire.ConsumeBody{Start: wire.StartOldest, Window: 2, Place: []byte("p"), Filter: []byte("a/kept/+"), DeadLetter: []byte("b/dead")})
	zero := c.expectDelivery(1, "0", 1)
	one := c.expectDelivery(1, "1", 1)
	if zero.Flags != 0 || string(zero.Topic) != "a/kept/x" || one.Sequence <= zero.Sequence {
		t.Errorf("%+v, %+v", zero, one)
	}
	c.ExpectNothing() // its window is full
	c.Send(wire.AppendAck(nil, 1, wire.AckBody{Sequence: one.Sequence}))
	c.expectDelivery(1, "2", 1)
	c.Close()

	c = b.Client(BobToken) // of the same application: what was open comes again
	dead := b.Client(AliceToken)
	dead.Subscribe(1, "b/dead", wire.Block, 0)
	c.consume(9, wire.ConsumeBody{Place: []byte("p"), Filter: []byte("a/kept/+"), DeadLetter: []byte("b/dead")})
	zero = c.expectDelivery(9, "0", 2)
	two := c.expectDelivery(9, "2", 2)
	if zero.Flags != wire.Delivered {
		t.Errorf("flags %d", zero.Flags)
	}
	three := c.expectDelivery(9, "3", 1)
	c.expectDelivery(9, "4", 1)
	c.Send(wire.AppendAck(nil, 9, wire.AckBody{Sequence: two.Sequence, Verdict: wire.Again, Delay: 1}))
	c.expectDelivery(9, "2", 3)
	c.Send(wire.AppendAck(nil, 9, wire.AckBody{Sequence: three.Sequence, Verdict: wire.Rejected}))
	dead.ExpectMessage(1, "", "3")
	c.Send(wire.AppendAck(nil, 9, wire.AckBody{Sequence: zero.Sequence, Verdict: wire.StillAt}))
	c.ExpectNothing()
	b.Stop()

	b = StartIn(t, f, exchange.Options{}, dir)
	c = b.Client(BobToken)
	c.consume(1, wire.ConsumeBody{Place: []byte("p"), Filter: []byte("a/kept/+")})
	for _, payload := range []string{"0", "2", "4"} {
		d, err := c.Expect(wire.Delivery, 1).Delivery()
		if err != nil || string(d.Payload) != payload || d.Flags != wire.Delivered || d.Attempt < 2 {
			t.Errorf("%+v %q, want %s", d, d.Payload, payload)
		}
		c.Send(wire.AppendAck(nil, 1, wire.AckBody{Sequence: d.Sequence}))
	}
	c.Send(wire.AppendPlain(nil, wire.Unsubscribe, 1, ""), wire.AppendPlain(nil, wire.Forget, 7, "p"), wire.AppendPlain(nil, wire.Forget, 8, "p"))
	c.Expect(wire.OK, 1)
	c.Expect(wire.OK, 7)
	c.ExpectError(8, wire.UnknownID)
}

func testConsumeRefused(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	c := b.Client(BobToken)
	for id, want := range map[uint32]struct {
		b    wire.ConsumeBody
		code wire.Code
	}{
		1: {fromOldest("p", "a/b"), wire.NotKept},
		2: {fromOldest("p", "c/#"), wire.Denied},
		3: {fromOldest("p", "a/##"), wire.InvalidTopic},
		4: {fromOldest("", "a/kept/x"), wire.InvalidTopic},
		5: {fromOldest("../p", "a/kept/x"), wire.InvalidTopic},
		6: {wire.ConsumeBody{Place: []byte("p"), Filter: []byte("a/kept/x"), DeadLetter: []byte("c/x")}, wire.Denied},
		7: {wire.ConsumeBody{Place: []byte("p"), Filter: []byte("a/kept/x"), DeadLetter: []byte("b/lost")}, wire.NotKept},
		8: {wire.ConsumeBody{Place: []byte("p"), Filter: []byte("a/kept/#"), DeadLetter: []byte("a/kept/dead")}, wire.InvalidTopic},
	} {
		c.Send(wire.AppendConsume(nil, id, want.b))
		c.ExpectError(id, want.code)
	}
	c.consume(1, fromOldest("p", "a/kept/x"))
	c.Send(wire.AppendConsume(nil, 1, fromOldest("q", "a/kept/x")), wire.AppendConsume(nil, 2, fromOldest("p", "a/kept/y")))
	c.ExpectError(1, wire.IDInUse)
	c.ExpectError(2, wire.Conflict)
	// The permission is taken away.
	b.Allow(Bob, spec.Resources{}, BobToken)
	if e := c.ExpectError(1, wire.Denied); e.Refused != wire.Consume {
		t.Errorf("refused type %v", e.Refused)
	}
}

// testConsumerThatNeverReads: memory for it is bounded, another of the same place
// gets the messages.
func testConsumerThatNeverReads(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{MaxQueued: 100_000})
	pub, stuck := b.Client(AliceToken), b.Client(BobToken)
	stuck.consume(1, wire.ConsumeBody{Window: 60_000, Place: []byte("p"), Filter: []byte("a/kept/x")})
	const total = 60
	for n := range uint32(total) {
		pub.store(n+1, "", "a/kept/x", string(number(n, 10_000)))
		pub.Expect(wire.OK, n+1)
	}
	if q := b.Of(Bob).Sessions[0].Queued; q > 120_000 {
		t.Errorf("%d bytes wait for a client that does not read", q)
	}
	stuck.Close()
	c := b.Client(BobToken)
	c.consume(1, wire.ConsumeBody{Place: []byte("p"), Filter: []byte("a/kept/x")})
	seen := map[uint64]bool{}
	for len(seen) < total {
		d, err := c.Expect(wire.Delivery, 1).Delivery()
		if err != nil {
			t.Fatal(err)
		}
		seen[d.Sequence] = true
		c.Send(wire.AppendAck(nil, 1, wire.AckBody{Sequence: d.Sequence}))
	}
}

func testHistory(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	c := b.Client(AliceToken)
	c.Register(1, "a/kept/plain")
	for n := range 10 {
		c.Publish(1, fmt.Sprint(n)) // kept without asking for a receipt
	}
	c.store(1, "", "a/kept/last", "ten")
	c.Expect(wire.OK, 1)
	ask := func(id uint32, h wire.HistoryBody, want ...string) {
		t.Helper()
		c.Send(wire.AppendHistory(nil, id, h))
		for _, payload := range want {
			d, err := c.Expect(wire.Past, id).Delivery()
			if err != nil || string(d.Payload) != payload || d.Time == 0 {
				t.Errorf("%q %v, want %q", d.Payload, err, payload)
			}
		}
		c.Expect(wire.OK, id)
	}
	ask(2, wire.HistoryBody{Limit: 2, Filter: []byte("a/kept/#")}, "0", "1")
	ask(3, wire.HistoryBody{Flags: wire.Newest, Limit: 3, Filter: []byte("a/kept/#")}, "8", "9", "ten")
	ask(4, wire.HistoryBody{Filter: []byte("a/kept/last")}, "ten")
	ask(5, wire.HistoryBody{From: 1 << 50, Filter: []byte("a/kept/#")})
	for id, h := range map[uint32]struct {
		filter string
		code   wire.Code
	}{6: {"a/#", wire.NotKept}, 7: {"c/x", wire.Denied}, 8: {"", wire.InvalidTopic}} {
		c.Send(wire.AppendHistory(nil, id, wire.HistoryBody{Filter: []byte(h.filter)}))
		c.ExpectError(id, h.code)
	}
}
