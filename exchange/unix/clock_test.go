package unix_test

import (
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/wire"
)

const (
	brokerClock = "FESCUE_TEST_BROKER_CLOCK" // how far it is ahead when the broker starts
	day         = 24 * time.Hour
)

// clockOfBroker is the clock of the broker process: a SIGUSR1 sets it back a day.
// Only root may set the real one, and for everybody.
func clockOfBroker() func() time.Time {
	var ahead atomic.Int64
	if d, err := time.ParseDuration(os.Getenv(brokerClock)); err == nil {
		ahead.Store(int64(d))
	}
	set := make(chan os.Signal, 1)
	signal.Notify(set, syscall.SIGUSR1)
	go func() {
		for range set {
			ahead.Add(-int64(day))
		}
	}()
	return func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
}

// clocked is a client of a broker whose clock is set.
type clocked struct {
	*exchangetest.Client
	t    *testing.T
	next uint32
}

func (v *victim) clocked() *clocked {
	v.t.Helper()
	c := &clocked{Client: exchangetest.NewClient(v.t, v.client(nil)), t: v.t}
	c.Expect(wire.Welcome, 0)
	return c
}

func (c *clocked) id() uint32 { c.next++; return c.next + 100 }

func (c *clocked) store(payload string) {
	c.t.Helper()
	id := c.id()
	c.Send(wire.AppendStore(nil, id, "", "k/x", []byte(payload)))
	c.Expect(wire.OK, id)
}

func (c *clocked) past(h wire.HistoryBody) (payloads []string) {
	c.t.Helper()
	id := c.id()
	h.Filter = []byte("k/x")
	c.Send(wire.AppendHistory(nil, id, h))
	for {
		f, err := c.Next()
		if err != nil {
			c.t.Fatal(err)
		}
		if f.Type == wire.OK && f.ID == id {
			return payloads
		}
		d, err := f.Delivery()
		if f.Type != wire.Past || err != nil {
			c.t.Fatalf("%v, %v", f.Type, err)
		}
		payloads = append(payloads, string(d.Payload))
	}
}

func (c *clocked) delivery(payload string, attempt uint16) uint64 {
	c.t.Helper()
	d, err := c.Expect(wire.Delivery, 1).Delivery()
	if err != nil || string(d.Payload) != payload || d.Attempt != attempt {
		c.t.Fatalf("delivery %+v %q, %v; want %q, attempt %d", d, d.Payload, err, payload, attempt)
	}
	return d.Sequence
}

func (c *clocked) ack(sequence uint64, v wire.Verdict, delay uint32) {
	c.Send(wire.AppendAck(nil, 1, wire.AckBody{Sequence: sequence, Verdict: v, Delay: delay}))
}

func (c *clocked) put(key string, ttl uint32) {
	c.t.Helper()
	id := c.id()
	c.Send(wire.AppendPut(nil, id, wire.PutBody{TTL: ttl, Key: []byte(key), Value: []byte("v")}))
	c.Expect(wire.Stored, id)
}

func (c *clocked) has(key string) bool {
	c.t.Helper()
	id := c.id()
	c.Send(wire.AppendPlain(nil, wire.Get, id, key))
	f, err := c.Next()
	if err != nil || f.ID != id {
		c.t.Fatalf("%v %v", f, err)
	}
	return f.Type == wire.Value
}

// TestClockSetBackADay: a broker whose clock is set back a day while it runs, and is
// then killed, loses no message, delivers in order, repeats in time, answers
// questions by time, and ends values in time.
func TestClockSetBackADay(t *testing.T) {
	v := &victim{t: t, dir: t.TempDir()}
	v.start()
	t.Cleanup(func() { v.kill() })
	place := wire.ConsumeBody{Start: wire.StartOldest, Window: 10, Place: []byte("p"), Filter: []byte("k/x")}
	c := v.clocked()
	c.Send(wire.AppendConsume(nil, 1, place))
	c.Expect(wire.OK, 1)
	c.store("before")
	before := time.Now()
	sequence := c.delivery("before", 1)
	c.put("short", 2)
	c.put("long", 3600)

	if err := v.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	ticks := v.clocked()
	exchangetest.Until(t, "the clock has been set", func() bool {
		ticks.put("tick", 0)
		id := ticks.id()
		ticks.Send(wire.AppendPlain(nil, wire.Get, id, "tick"))
		value, err := ticks.Expect(wire.Value, id).Value()
		return err == nil && time.UnixMilli(int64(value.Time)).Before(before.Add(-day/2))
	})
	c.ack(sequence, wire.Again, 100)
	if again := c.delivery("before", 2); again != sequence {
		t.Errorf("sequence %d, was %d", again, sequence)
	}
	c.ack(sequence, wire.Done, 0)
	c.store("after")
	c.delivery("after", 1) // not acknowledged
	exchangetest.Until(t, "the short value is gone", func() bool { return !ticks.has("short") })
	if !ticks.has("long") {
		t.Error("the long value is gone")
	}
	ticks.put("short", 2)

	v.kill()
	t.Setenv(brokerClock, (-day).String())
	v.start()
	c = v.clocked()
	hour := uint64(time.Hour.Milliseconds())
	for _, q := range []struct {
		h    wire.HistoryBody
		want string
	}{
		{wire.HistoryBody{}, "[before after]"},
		{wire.HistoryBody{From: uint64(before.UnixMilli()) - hour}, "[before]"},
		{wire.HistoryBody{Until: uint64(before.UnixMilli()) - hour}, "[after]"},
	} {
		if got := c.past(q.h); fmt.Sprint(got) != q.want {
			t.Errorf("history %+v: %v, want %s", q.h, got, q.want)
		}
	}
	exchangetest.Until(t, "the short value is gone", func() bool { return !c.has("short") })
	if !c.has("long") {
		t.Error("the long value is gone after a restart")
	}
	c.Send(wire.AppendConsume(nil, 1, place))
	c.Expect(wire.OK, 1)
	c.ack(c.deliveryOf("after"), wire.Done, 0)
	c.store("last")
	c.ack(c.delivery("last", 1), wire.Done, 0)
	c.ExpectNothing()
}

// deliveryOf takes a delivery, whichever attempt it is; what a crash took of the
// acknowledgements may come before it.
func (c *clocked) deliveryOf(payload string) uint64 {
	c.t.Helper()
	for {
		d, err := c.Expect(wire.Delivery, 1).Delivery()
		if err != nil {
			c.t.Fatal(err)
		}
		if string(d.Payload) == payload {
			return d.Sequence
		}
		c.ack(d.Sequence, wire.Done, 0)
	}
}
