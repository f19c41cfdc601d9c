package exchangetest

import (
	"testing"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
)

func (c *Client) put(id uint32, key, value string) {
	c.t.Helper()
	c.Send(wire.AppendPut(nil, id, wire.PutBody{Key: []byte(key), Value: []byte(value)}))
}

func (c *Client) expectStored(id uint32) uint64 {
	c.t.Helper()
	revision, err := c.Expect(wire.Stored, id).Stored()
	if err != nil {
		c.t.Fatal(err)
	}
	return revision
}

func (c *Client) expectValue(id uint32, value string) wire.ValueBody {
	c.t.Helper()
	v, err := c.Expect(wire.Value, id).Value()
	if err != nil {
		c.t.Fatal(err)
	}
	if string(v.Value) != value {
		c.t.Fatalf("the value is %.60q, want %q", v.Value, value)
	}
	return v
}

func testState(t *testing.T, f Fixture) {
	dir := t.TempDir()
	b := StartIn(t, f, exchange.Options{}, dir)
	c := b.Client(AliceToken)
	get := func(id uint32, key string) { c.Send(wire.AppendPlain(nil, wire.Get, id, key)) }
	get(1, "k")
	c.ExpectError(1, wire.NotFound)
	c.put(2, "k", "one")
	first := c.expectStored(2)
	get(3, "k")
	if v := c.expectValue(3, "one"); v.Revision != first || v.Time == 0 {
		t.Errorf("%+v, want revision %d", v, first)
	}
	swap := func(id uint32, revision uint64, value string) {
		c.Send(wire.AppendPut(nil, id, wire.PutBody{Condition: wire.IfRevision, Revision: revision, Key: []byte("k"), Value: []byte(value)}))
	}
	swap(4, 0, "if it were new")
	c.ExpectError(4, wire.Conflict)
	swap(5, first, "two")
	second := c.expectStored(5)
	c.Send(wire.AppendDelete(nil, 6, wire.IfRevision, first, "k"))
	c.ExpectError(6, wire.Conflict)
	for id, key := range map[uint32]string{7: "a/#", 8: "", 9: "$x", 10: string(make([]byte, 10)), 11: string(pattern(257, 0))} {
		get(id, key)
		c.ExpectError(id, wire.InvalidTopic)
	}
	b.StateQuota(Alice, 1000)
	c.put(12, "large", string(pattern(1001, 0)))
	c.ExpectError(12, wire.Quota)
	b.Stop()

	b = StartIn(t, f, exchange.Options{}, dir)
	c = b.Client(AliceToken)
	get(1, "k")
	if v := c.expectValue(1, "two"); v.Revision != second {
		t.Errorf("after a restart %+v, want revision %d", v, second)
	}
	c.Send(wire.AppendDelete(nil, 2, wire.IfRevision, second, "k"))
	if r := c.expectStored(2); r <= second {
		t.Errorf("revision %d after %d", r, second)
	}
	get(3, "k")
	c.ExpectError(3, wire.NotFound)
	if err := b.Forget(Alice); err != nil {
		t.Error(err)
	}
}

// testStateIsOnesOwn: applications do not see each other's keys.
func testStateIsOnesOwn(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	alice, bob := b.Client(AliceToken), b.Client(BobToken)
	alice.put(1, "k", "alice's")
	alice.expectStored(1)
	bob.Send(wire.AppendPlain(nil, wire.Get, 1, "k"))
	bob.ExpectError(1, wire.NotFound)
	again := b.Client(AliceToken) // another session of the same application
	again.Send(wire.AppendPlain(nil, wire.Get, 1, "k"))
	again.expectValue(1, "alice's")
}

func testStateWatch(t *testing.T, f Fixture) {
	b := Start(t, f, exchange.Options{})
	c, w := b.Client(AliceToken), b.Client(AliceToken)
	change := func(kind wire.ChangeKind, key, value string) {
		t.Helper()
		got, err := w.Expect(wire.Change, 5).Change()
		if err != nil {
			t.Fatal(err)
		}
		if got.Kind != kind || string(got.Key) != key || string(got.Value) != value {
			t.Errorf("got %d %q %q, want %d %q %q", got.Kind, got.Key, got.Value, kind, key, value)
		}
	}
	c.put(1, "r/a", "1")
	c.expectStored(1)
	w.Send(wire.AppendWatch(nil, 5, wire.WithPresent, "r/+"))
	w.Expect(wire.OK, 5)
	change(wire.KeyPut, "r/a", "1")
	change(wire.EndOfPresent, "", "")
	c.put(2, "r/b", "2")
	change(wire.KeyPut, "r/b", "2")
	c.put(3, "x", "no")
	c.Send(wire.AppendPut(nil, 4, wire.PutBody{Key: []byte("r/c"), TTL: 1}))
	change(wire.KeyPut, "r/c", "")
	c.Send(wire.AppendDelete(nil, 5, wire.Always, 0, "r/a"))
	change(wire.KeyDeleted, "r/a", "")
	change(wire.KeyExpired, "r/c", "")
	w.Send(wire.AppendWatch(nil, 5, 0, "#"))
	w.ExpectError(5, wire.IDInUse)
	w.Send(wire.AppendPlain(nil, wire.Unwatch, 5, ""), wire.AppendPlain(nil, wire.Unwatch, 5, ""))
	w.Expect(wire.OK, 5)
	w.ExpectError(5, wire.UnknownID)
	w.Send(wire.AppendWatch(nil, 6, wire.OnlyPresent|wire.KeysOnly, "#"))
	w.Expect(wire.OK, 6)
	for range 3 { // r/b, x, the end
		w.Expect(wire.Change, 6)
	}
	w.ExpectNothing()
}
