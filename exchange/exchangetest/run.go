package exchangetest

import (
	"testing"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
)

// Run runs the whole suite on a link.
func Run(t *testing.T, f Fixture) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Fixture)
	}{
		{"Hello", testHello},
		{"HelloRefused", testHelloRefused},
		{"HelloTooLate", testHelloTooLate},
		{"SaysGoodbye", testGoodbye},
		{"Order", testOrder},
		{"LargeMessages", testLarge},
		{"Block", testBlock},
		{"BlockGivesUp", testBlockGivesUp},
		{"DropOldest", testDropOldest},
		{"DropNewest", testDropNewest},
		{"Credit", testCredit},
		{"CreditHoldsBack", testCreditHoldsBack},
		{"ClientThatNeverReads", testNeverReads},
		{"TooLarge", testTooLarge},
		{"Malformed", testMalformed},
		{"RandomFrames", testRandomFrames},
		{"Reconnect", testReconnect},
		{"BrokerRestarts", testRestart},
		{"LeavesAtOnce", testLeavesAtOnce},
		{"KilledAnywhere", testKilled},
		{"Denied", testDenied},
		{"PermissionsChange", testPermissionsChange},
		{"Revoked", testRevoked},
		{"SameIdentity", testSameIdentity},
		{"Requests", testRequests},
		{"State", testState},
		{"StateIsOnesOwn", testStateIsOnesOwn},
		{"StateWatch", testStateWatch},
		{"Store", testStore},
		{"Consume", testConsume},
		{"ConsumeRefused", testConsumeRefused},
		{"ConsumerThatNeverReads", testConsumerThatNeverReads},
		{"History", testHistory},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, f) })
	}
}

func testHello(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	c := b.Connect()
	// What comes between HELLO and WELCOME is served once the client is welcome.
	c.Send(Hello(AliceToken), wire.AppendSubscribe(nil, 1, 0, 0, 0, "a/+"), wire.AppendPlain(nil, wire.Register, 7, "a/b"),
		wire.AppendPublish(nil, 7, []byte("early")))
	w, err := c.Expect(wire.Welcome, 0).Welcome()
	if err != nil {
		t.Fatal(err)
	}
	if w.Version != 1 || string(w.Application) != Alice || string(w.Device) != "bench" || w.MaxBody != wire.DefaultBody {
		t.Errorf("welcome %+v", w)
	}
	if w.Capabilities&wire.Requests == 0 || w.Capabilities&(wire.Functions|wire.Logs) != 0 {
		t.Errorf("capabilities %b", w.Capabilities)
	}
	c.Expect(wire.OK, 1)
	c.Expect(wire.OK, 7)
	c.ExpectMessage(1, "a/b", "early")
	c.Send(wire.AppendPlain(nil, wire.Ping, 5, "abc"))
	if f := c.Expect(wire.Pong, 5); string(f.Body) != "abc" {
		t.Errorf("PONG %q", f.Body)
	}
}

func testHelloRefused(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	later := wire.AppendHello(nil, wire.HelloBody{Lowest: 2, Highest: 9, MaxBody: 1024, Token: []byte(AliceToken)})
	for name, c := range map[string]struct {
		frame []byte
		code  wire.Code
	}{
		"wrong token":       {Hello("alice-tokem"), wire.Unauthenticated},
		"no token":          {Hello(""), wire.Unauthenticated},
		"later version":     {later, wire.BadVersion},
		"not HELLO":         {wire.AppendPlain(nil, wire.Ping, 0, ""), wire.Malformed},
		"publishes first":   {wire.AppendPublish(nil, 0, nil), wire.Malformed},
		"HELLO twice":       {append(Hello(AliceToken), Hello(AliceToken)...), wire.Malformed},
		"larger than 1 MiB": {wire.AppendHeader(nil, wire.Hello, 0, 2<<20), wire.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			client := b.Connect()
			client.t = t
			client.Send(c.frame)
			if name == "HELLO twice" {
				client.Expect(wire.Welcome, 0)
			}
			client.ExpectError(0, c.code)
			client.ExpectEnd()
		})
	}
}

func testHelloTooLate(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{HelloTimeout: 50e6})
	c := b.Connect()
	c.ExpectError(0, wire.Unauthenticated)
	c.ExpectEnd()
}

func testGoodbye(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	sub := b.Client(BobToken)
	sub.Subscribe(1, "a/b", wire.Block, 0)
	c := b.Client(AliceToken)
	c.Send(wire.AppendPlain(nil, wire.Register, 1, "a/b"), wire.AppendPublish(nil, 1, []byte("last")),
		wire.AppendGoodbye(nil, wire.GoingAway, ""), wire.AppendPublish(nil, 1, []byte("after GOODBYE")))
	c.Expect(wire.OK, 1)
	c.ExpectEnd()
	sub.ExpectMessage(1, "", "last")
	sub.ExpectNothing()
}
