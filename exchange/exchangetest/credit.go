package exchangetest

import (
	"encoding/binary"
	"testing"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
)

// testCredit: messages come one for each credit, in order; what does not fit
// into the queue goes by its policy.
func testCredit(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	sub, pub := b.Client(BobToken), b.Client(AliceToken)
	for id, policy := range map[uint32]wire.Policy{1: wire.DropOldest, 2: wire.DropNewest} {
		sub.Send(wire.AppendSubscribe(nil, id, policy, wire.ByCredit, 3, "a/b"))
		sub.Expect(wire.OK, id)
	}
	pub.Register(1, "a/b")
	for n := range uint32(5) {
		pub.Send(wire.AppendPublish(nil, 1, number(n, 4)))
	}
	pub.ExpectNothing()
	notices := 0
	for id, want := range map[uint32][]uint32{1: {2, 3, 4}, 2: {0, 1, 2}} {
		for _, n := range want {
			sub.Send(wire.AppendNumber(nil, wire.Credit, id, 1))
			gotID, _, got := sub.message(&notices)
			if gotID != id || got != n {
				t.Errorf("subscription %d got message %d of %d, want %d", id, got, gotID, n)
			}
		}
	}
	if notices == 0 {
		t.Error("nobody told of the drops")
	}
	if dropped := b.Of(Bob).Dropped; dropped != 4 {
		t.Errorf("%d drops are counted, want 4", dropped)
	}
	// Credit given before there is anything, for a subscription that is not by
	// credit, and for none.
	sub = b.Client(BobToken)
	sub.Send(wire.AppendSubscribe(nil, 1, 0, wire.ByCredit, 3, "a/b"), wire.AppendNumber(nil, wire.Credit, 1, 2), wire.AppendNumber(nil, wire.Credit, 77, 2),
		wire.AppendSubscribe(nil, 3, 0, 0, 0, "b/c"), wire.AppendNumber(nil, wire.Credit, 3, 2))
	sub.Expect(wire.OK, 1)
	sub.Expect(wire.OK, 3)
	sub.ExpectError(3, wire.Unsupported)
	sub.ExpectNothing()
	pub.Publish(1, "early")
	sub.ExpectMessage(1, "", "early")
	sub.ExpectNothing()
}

// testCreditHoldsBack: a publisher waits for a subscriber that gives credit
// late; nothing is lost, and another subscription of the same session is not held up.
func testCreditHoldsBack(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{BlockTimeout: Patience})
	sub, pub := b.Client(BobToken), b.Client(AliceToken)
	sub.Send(wire.AppendSubscribe(nil, 1, wire.Block, wire.ByCredit, 4, "a/b"))
	sub.Expect(wire.OK, 1)
	sub.Subscribe(2, "b/c", wire.DropOldest, 0)
	pub.Register(1, "a/b")
	const total = 200
	go func() {
		for n := range uint32(total) {
			if pub.TrySend(wire.AppendPublish(nil, 1, number(n, 1000))) != nil {
				return
			}
		}
	}()
	other := b.Client(AliceToken)
	for n := 0; n < total; n += 5 {
		other.Send(wire.AppendPublishTo(nil, 0, "b/c", []byte("free")))
		sub.ExpectMessage(2, "", "free")
		sub.Send(wire.AppendNumber(nil, wire.Credit, 1, 5))
		for i := range 5 {
			body, err := sub.Expect(wire.Message, 1).Topical()
			if err != nil {
				t.Fatal(err)
			}
			if got := binary.LittleEndian.Uint32(body.Payload); got != uint32(n+i) {
				t.Fatalf("message %d came in place of %d", got, n+i)
			}
		}
	}
	if dropped := b.Of(Bob).Dropped; dropped != 0 {
		t.Errorf("%d messages were dropped", dropped)
	}
}
