package exchangetest

import (
	"testing"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/spec"
)

// testDenied: a refusal names the topic, the receiver never sees anything, the
// session goes on, and the denial is reported.
func testDenied(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	sub, c := b.Client(BobToken), b.Client(CarolToken)
	sub.Subscribe(1, "a/#", wire.Block, 0)
	c.Send(wire.AppendPlain(nil, wire.Register, 1, "a/b"), wire.AppendPublish(nil, 1, []byte("smuggled")),
		wire.AppendPublishTo(nil, 0, "a/b", []byte("smuggled")), wire.AppendRequest(nil, 5, 0, "a/b", []byte("smuggled")))
	if e := c.ExpectError(1, wire.Denied); string(e.Topic) != "a/b" || e.Refused != wire.Register {
		t.Errorf("ERROR %+v", e)
	}
	c.ExpectError(1, wire.UnknownID)
	c.ExpectError(0, wire.Denied)
	c.ExpectError(5, wire.Denied)
	for id, filter := range []string{"c/in/#", "#", "+/in/x", "c/out", "c/in", "a/b"} {
		c.Send(wire.AppendSubscribe(nil, uint32(id+1), 0, 0, 0, filter))
		c.ExpectError(uint32(id+1), wire.Denied)
	}
	for id, filter := range []string{"c/in/x", "c/in/+"} {
		c.Subscribe(uint32(id+1), filter, 0, 0)
	}
	c.Register(1, "c/out")
	for _, bad := range []string{"", "a/#/b", "a+", "a\x00b", string(pattern(65_000, 1)), "\xff"} {
		c.Send(wire.AppendSubscribe(nil, 9, 0, 0, 0, bad))
		c.ExpectError(9, wire.InvalidTopic)
		c.Send(wire.AppendPlain(nil, wire.Register, 9, bad))
		c.ExpectError(9, wire.InvalidTopic)
	}
	sub.ExpectNothing()
	select {
	case d := <-b.Denials:
		if d.Application != Carol || d.Topic == "" {
			t.Errorf("denial %+v", d)
		}
	case <-time.After(Patience):
		t.Error("no denial was reported")
	}
	if n := b.Of(Carol).Denied; n != 9 {
		t.Errorf("%d denials counted, want 9", n)
	}
}

// testPermissionsChange: a live session loses what is no longer granted, at
// once, and is told.
func testPermissionsChange(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	sub, c := b.Client(BobToken), b.Client(AliceToken)
	sub.Subscribe(1, "a/#", wire.Block, 0)
	c.Register(1, "a/b")
	c.Register(2, "a/c")
	c.Subscribe(3, "b/#", 0, 0)
	c.Subscribe(4, "b/x", 0, 0)
	c.Send(wire.AppendPublishTo(nil, 9, "a/b", nil))
	c.Expect(wire.OK, 9)
	sub.ExpectMessage(1, "a/b", "")
	b.Allow(Alice, spec.Resources{Publish: []spec.Filter{"a/c"}, Subscribe: []spec.Filter{"b/x"}}, AliceToken)
	told := map[wire.Type]string{}
	for range 2 {
		e := c.expectAnyError()
		if e.Code != wire.Denied {
			t.Errorf("ERROR %v", e.Code)
		}
		told[e.Refused] = string(e.Topic)
	}
	if told[wire.Register] != "a/b" || told[wire.Subscribe] != "b/#" {
		t.Errorf("told of %v", told)
	}
	c.Publish(1, "no more")
	c.ExpectError(1, wire.UnknownID)
	c.Send(wire.AppendPublishTo(nil, 9, "a/b", nil))
	c.ExpectError(9, wire.Denied)
	c.Publish(2, "still")
	sub.ExpectMessage(1, "a/c", "still")
	bob := b.Client(BobToken)
	bob.Send(wire.AppendPublishTo(nil, 1, "b/y", nil), wire.AppendPublishTo(nil, 2, "b/x", nil))
	c.ExpectMessage(4, "", "")
	c.ExpectNothing()
}

func testRevoked(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	c := b.Client(AliceToken)
	c.Register(1, "a/b")
	b.Revoke(Alice)
	c.ExpectError(1, wire.Denied)
	c.ExpectEnd()
	again := b.Connect()
	again.Send(Hello(AliceToken))
	again.ExpectError(0, wire.Unauthenticated)
	again.ExpectEnd()
}

func testRequests(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	asks, answers := b.Client(AliceToken), b.Client(BobToken)
	asks.Send(wire.AppendRequest(nil, 1, 1000, "a/sum", []byte("1+1")))
	asks.ExpectError(1, wire.NoResponder)
	answers.Send(wire.AppendSubscribe(nil, 4, 0, wire.Answers, 0, "a/+"))
	answers.Expect(wire.OK, 4)

	asks.Send(wire.AppendRequest(nil, 2, 60_000, "a/sum", []byte("1+1")))
	call := answers.expectCallBody("a/sum", "1+1")
	asks.Send(wire.AppendRequest(nil, 2, 60_000, "a/sum", nil))
	asks.ExpectError(2, wire.IDInUse)
	answers.Send(wire.AppendPlain(nil, wire.Reply, call, "2"))
	if f := asks.Expect(wire.Reply, 2); string(f.Body) != "2" {
		t.Errorf("REPLY %q", f.Body)
	}

	asks.Send(wire.AppendRequest(nil, 3, 60_000, "a/div", []byte("1/0")))
	call = answers.expectCallBody("a/div", "1/0")
	answers.Send(wire.AppendError(nil, call, wire.Internal, wire.Call, "", "division by zero"))
	if e := asks.ExpectError(3, wire.Internal); string(e.Text) != "division by zero" {
		t.Errorf("ERROR %s", e.Text)
	}

	asks.Send(wire.AppendRequest(nil, 4, 50, "a/late", nil))
	call = answers.expectCallBody("a/late", "")
	asks.ExpectError(4, wire.Timeout)
	answers.Send(wire.AppendPlain(nil, wire.Reply, call, "too late"))
	answers.ExpectNothing()

	asks.Send(wire.AppendRequest(nil, 5, 60_000, "a/dies", nil))
	answers.expectCallBody("a/dies", "")
	answers.Close()
	asks.ExpectError(5, wire.NoResponder)
	asks.ExpectNothing()
}

func (c *Client) expectCallBody(topic, payload string) uint32 {
	c.t.Helper()
	f, err := c.Next()
	if err != nil || f.Type != wire.Call {
		c.t.Fatalf("%v %q %v instead of CALL", f.Type, f.Body, err)
	}
	b, err := f.Topical()
	if err != nil || string(b.Topic) != topic || string(b.Payload) != payload || b.Subscription != 4 {
		c.t.Fatalf("CALL %+v %v", b, err)
	}
	return f.ID
}
