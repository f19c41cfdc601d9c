package exchangetest

import (
	"testing"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
)

// testSameIdentity: two clients with the token of one application, and the same ids for
// everything, are two sessions beside each other. They share what is the application's:
// permissions, state, places. Nothing that one does or suffers ends the other.
func testSameIdentity(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	one, two, other := b.Client(AliceToken), b.Client(AliceToken), b.Client(BobToken)
	if n := len(b.Of(Alice).Sessions); n != 2 {
		t.Fatalf("%d sessions", n)
	}
	sameIDs(one, two, other)
	sameRequestID(one, two, other)
	turnsOfSame(one, two, other)
	sameStore(one, two)
	samePlace(one, two, b.Client(BobToken))

	two.Send(wire.AppendPlain(nil, 0x7f, 1, "")) // no type of a frame
	two.ExpectError(1, wire.Malformed)
	two.ExpectEnd()
	one.expectDelivery(9, "1", 2) // what the other had and did not answer
	other.Publish(1, "to who is left")
	one.ExpectMessage(1, "", "to who is left")
	one.Publish(1, "still here")
	other.ExpectMessage(1, "a/one", "still here")
	one.ExpectNothing()

	third := b.Client(AliceToken)
	b.Revoke(Alice)
	for _, c := range []*Client{one, third} {
		c.expectRevoked()
	}
}

// sameIDs: subscription 1 and topic 1 are of each session its own.
func sameIDs(one, two, other *Client) {
	for _, c := range []*Client{one, two} {
		c.Subscribe(1, "b/x", wire.Block, 0)
	}
	one.Register(1, "a/one")
	two.Register(1, "a/two")
	other.Register(1, "b/x")
	other.Subscribe(1, "a/+", wire.Block, 0)
	other.Publish(1, "to both")
	one.ExpectMessage(1, "", "to both")
	two.ExpectMessage(1, "", "to both")
	one.Publish(1, "1")
	other.ExpectMessage(1, "a/one", "1")
	two.Publish(1, "2")
	other.ExpectMessage(1, "a/two", "2")
	// What is not to come back to who published it comes to the other session.
	for _, c := range []*Client{one, two} {
		c.Send(wire.AppendSubscribe(nil, 2, wire.Block, wire.NoLocal, 0, "b/own"))
		c.Expect(wire.OK, 2)
	}
	one.Send(wire.AppendPublishTo(nil, 5, "b/own", []byte("own")))
	one.Expect(wire.OK, 5)
	two.ExpectMessage(2, "", "own")
	one.ExpectNothing()
}

// sameRequestID: both ask under one id at once, and each gets its own answer.
func sameRequestID(one, two, other *Client) {
	other.Send(wire.AppendSubscribe(nil, 4, 0, wire.Answers, 0, "b/echo"))
	other.Expect(wire.OK, 4)
	one.Send(wire.AppendRequest(nil, 7, 60_000, "b/echo", []byte("one")))
	first := other.expectCallBody("", "one")
	two.Send(wire.AppendRequest(nil, 7, 60_000, "b/echo", []byte("two")))
	second := other.expectCallBody("", "two")
	other.Send(wire.AppendPlain(nil, wire.Reply, second, "two"), wire.AppendPlain(nil, wire.Reply, first, "one"))
	for c, want := range map[*Client]string{one: "one", two: "two"} {
		if f := c.Expect(wire.Reply, 7); string(f.Body) != want {
			c.t.Errorf("REPLY %q, want %q", f.Body, want)
		}
	}
}

// turnsOfSame: both answer requests, in turns.
func turnsOfSame(one, two, other *Client) {
	for _, c := range []*Client{one, two} {
		c.Send(wire.AppendSubscribe(nil, 4, 0, wire.Answers, 0, "b/turns"))
		c.Expect(wire.OK, 4)
	}
	other.Send(wire.AppendRequest(nil, 1, 60_000, "b/turns", []byte("?")), wire.AppendRequest(nil, 2, 60_000, "b/turns", []byte("?")))
	for _, c := range []*Client{one, two} {
		c.Send(wire.AppendPlain(nil, wire.Reply, c.expectCallBody("", "?"), ""))
	}
	for range 2 {
		if f, err := other.Next(); err != nil || f.Type != wire.Reply {
			other.t.Fatalf("%v %v instead of REPLY", f.Type, err)
		}
	}
}

// sameStore: state is the application's.
func sameStore(one, two *Client) {
	one.put(1, "k", "v")
	one.expectStored(1)
	two.Send(wire.AppendPlain(nil, wire.Get, 1, "k"))
	two.expectValue(1, "v")
}

// samePlace: a place's messages are shared, each goes to one of them.
func samePlace(one, two, pub *Client) {
	for n, payload := range []string{"0", "1"} {
		pub.store(uint32(1+n), "", "a/kept/x", payload)
		pub.Expect(wire.OK, uint32(1+n))
	}
	place := fromOldest("p", "a/kept/x")
	place.Window = 1
	one.consume(9, place)
	zero := one.expectDelivery(9, "0", 1)
	two.consume(9, place)
	two.expectDelivery(9, "1", 1)
	one.Send(wire.AppendAck(nil, 9, wire.AckBody{Sequence: zero.Sequence}))
	one.ExpectNothing()
}

// expectRevoked takes frames until the broker has closed, which are to say that all is denied.
func (c *Client) expectRevoked() {
	c.t.Helper()
	c.expectEnd(func(f wire.Frame) bool {
		e, err := f.Error()
		return err == nil && e.Code == wire.Denied
	})
}
