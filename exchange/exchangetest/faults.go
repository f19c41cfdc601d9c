package exchangetest

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
)

func testTooLarge(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{MaxBody: 10_000})
	sub, c := b.Client(BobToken), b.Client(AliceToken)
	sub.Subscribe(1, "a/b", wire.Block, 0)
	c.Register(1, "a/b")
	c.Send(wire.AppendPublish(nil, 1, pattern(10_001, 0)), wire.AppendPublish(nil, 1, []byte("next")))
	c.ExpectError(1, wire.TooLarge)
	sub.ExpectMessage(1, "", "next")
	c.Send(wire.AppendHeader(nil, wire.Publish, 1, 5_000_000)) // its body is never whole
	c.ExpectError(1, wire.TooLarge)

	// A client that accepts little is told of what it does not get.
	small := b.Connect()
	small.Send(wire.AppendHello(nil, wire.HelloBody{Lowest: 1, Highest: 1, MaxBody: 64, Token: []byte(BobToken)}),
		wire.AppendSubscribe(nil, 3, 0, 0, 0, "b/+"))
	small.Expect(wire.Welcome, 0)
	small.Expect(wire.OK, 3)
	p := b.Client(AliceToken)
	p.Send(wire.AppendPublishTo(nil, 0, "b/x", pattern(64, 0)), wire.AppendPublishTo(nil, 1, "b/x", pattern(20, 0)))
	p.Expect(wire.OK, 1)
	small.ExpectError(3, wire.TooLarge)
	small.ExpectMessage(3, "b/x", string(pattern(20, 0)))
}

func testMalformed(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	for name, frame := range map[string][]byte{
		"unknown type":        wire.AppendPlain(nil, wire.Type(0x7f), 1, "x"),
		"of the broker":       wire.AppendMessage(nil, 1, "a/b", nil),
		"SUBSCRIBE too short": wire.AppendPlain(nil, wire.Subscribe, 1, "\x00\x00"),
		"REGISTER of id 0":    wire.AppendPlain(nil, wire.Register, 0, "a/b"),
		"long PING":           wire.AppendPlain(nil, wire.Ping, 0, string(pattern(65, 1))),
	} {
		t.Run(name, func(t *testing.T) {
			c := b.Client(AliceToken)
			c.t = t
			c.Send(frame)
			if e := c.expectAnyError(); e.Code != wire.Malformed {
				t.Errorf("%v: %s", e.Code, e.Text)
			}
			c.ExpectEnd()
		})
	}
	c := b.Client(AliceToken)
	c.Send(wire.AppendPlain(nil, wire.Type(0x99), 1, "of a later version"))
	c.ExpectNothing()
	c.Send(wire.AppendNumber(nil, wire.Progress, 3, 0)) // modules are a gateway's
	c.ExpectError(3, wire.Unsupported)
	c.ExpectNothing()
}

func (c *Client) expectAnyError() wire.ErrorBody {
	c.t.Helper()
	f, err := c.Next()
	if err != nil || f.Type != wire.Error {
		c.t.Fatalf("%v %q, %v", f.Type, f.Body, err)
	}
	e, err := f.Error()
	if err != nil {
		c.t.Fatal(err)
	}
	return e
}

// testRandomFrames: 10,000 frames of random type, id, length and content. The
// broker answers or closes, and goes on serving others.
func testRandomFrames(t *testing.T, f Fixture) {
	total := 10_000
	if testing.Short() {
		total = 1_000
	}
	b := Start(t, f, exchange.Options{})
	sub, pub := b.Client(BobToken), b.Client(AliceToken)
	sub.Subscribe(1, "b/probe", wire.Block, 0)
	pub.Register(1, "b/probe")
	rng := rand.New(rand.NewPCG(1, 2))
	for sent := 0; sent < total; {
		c := b.Client(AliceToken)
		go drainAll(c)
		for sent < total {
			sent++
			if c.TrySend(randomFrame(rng)) != nil {
				break
			}
			if sent%100 == 0 {
				pub.Publish(1, "probe")
				sub.ExpectMessage(1, "", "probe")
			}
			if rng.IntN(4) == 0 {
				break
			}
		}
		c.Close()
	}
	Until(t, "their sessions have ended", func() bool { return len(b.Of(Alice).Sessions) == 1 })
}

func drainAll(c *Client) {
	for {
		if _, err := c.Next(); err != nil {
			return
		}
	}
}

func randomFrame(rng *rand.Rand) []byte {
	body := make([]byte, rng.IntN(100))
	for i := range body {
		body[i] = byte(rng.Uint32())
		if rng.IntN(2) == 0 {
			body[i] = "a/b+#\x00\x01"[rng.IntN(7)]
		}
	}
	length := len(body)
	if rng.IntN(10) == 0 {
		length = rng.IntN(wire.MaxLength)
	}
	return append(wire.AppendHeader(nil, wire.Type(rng.IntN(256)), rng.Uint32N(4), length), body...)
}

func testReconnect(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	pub := b.Client(AliceToken)
	pub.Register(1, "a/b")
	for range 20 {
		sub := b.Client(BobToken)
		sub.Subscribe(1, "a/b", wire.Block, 0)
		pub.Publish(1, "x")
		sub.ExpectMessage(1, "", "x")
		sub.Close()
		Until(t, "the session has ended", func() bool { return len(b.Of(Bob).Sessions) == 0 })
		pub.Publish(1, "nobody")
		pub.ExpectNothing() // it has been handled
	}
}

// testRestart: the broker says GOODBYE, a new one takes its place.
func testRestart(t *testing.T, f Fixture) {
	dir := t.TempDir()
	same := f
	same.Listen = func(string) (exchange.Link, error) { return f.Listen(dir) }
	first := Start(t, same, exchange.Options{})
	c := first.Client(AliceToken)
	first.Stop()
	g := c.Expect(wire.Goodbye, 0)
	if code, _, err := g.Goodbye(); err != nil || code != wire.GoingAway {
		t.Errorf("GOODBYE %v, %v", code, err)
	}
	if _, err := c.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after GOODBYE: %v", err)
	}
	if conn, err := f.Dial(context.Background(), first.Link.Address()); err == nil {
		_ = conn.Close()
		t.Error("somebody listens though the broker has ended")
	}
	second := Start(t, same, exchange.Options{})
	second.Client(AliceToken).ExpectNothing()
}

// testLeavesAtOnce: what a client sent right before it went away is served.
func testLeavesAtOnce(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	sub := b.Client(BobToken)
	sub.Subscribe(1, "a/b", wire.Block, 0)
	for range 20 {
		c := b.Connect()
		c.Send(Hello(AliceToken), wire.AppendPlain(nil, wire.Register, 1, "a/b"), wire.AppendPublish(nil, 1, []byte("and gone")))
		c.Close()
		sub.ExpectMessage(1, "", "and gone")
	}
}
