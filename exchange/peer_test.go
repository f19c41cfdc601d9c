package exchange_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/spec"
)

// anybody may connect to the fabric of these tests and use every subject.
type anybody struct{}

func (anybody) Authenticate(fabric.Credentials) (fabric.Permissions, bool) {
	return fabric.Permissions{Publish: []string{">"}, Subscribe: []string{">"}}, true
}

// counting counts what the router hands over.
type counting struct {
	*fabric.Peer
	published atomic.Int64
}

func (c *counting) Publish(subject string, payload []byte) error {
	c.published.Add(1)
	return c.Peer.Publish(subject, payload)
}

// bridged is a broker with a real embedded NATS server as its peer.
type bridged struct {
	*exchangetest.Broker
	fabric *fabric.Server
	peer   *counting
	nats   *nats.Conn // a client in the data account that subscribes
	sender *nats.Conn // one that publishes
	detach func()
}

func bridge(t *testing.T) *bridged {
	t.Helper()
	s, err := fabric.Start(t.Context(), fabric.Options{
		Dir: t.TempDir(), Name: "test", Log: slog.New(slog.DiscardHandler), MQTT: "127.0.0.1:0", Auth: anybody{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	b := &bridged{Broker: exchangetest.Start(t, inMemory(time.Hour), exchange.Options{}), fabric: s}
	if b.nats, err = s.Data(); err != nil {
		t.Fatal(err)
	}
	if b.sender, err = s.Data(); err != nil {
		t.Fatal(err)
	}
	p, err := s.Peer()
	if err != nil {
		t.Fatal(err)
	}
	b.peer = &counting{Peer: p}
	b.attach(t)
	return b
}

// attach makes the fabric the router's peer until detach.
func (b *bridged) attach(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b.Peer(ctx, b.peer); err != nil {
			t.Error(err)
		}
	}()
	b.detach = func() {
		cancel()
		<-done
	}
	t.Cleanup(b.detach)
	probe := local(t, b.Broker, "")
	exchangetest.Until(t, "the peer is attached", func() bool {
		got := make(chan exchange.Message, 10)
		sub, err := probe.Subscribe("probe/attach", exchange.SubscribeOptions{}, func(m exchange.Message) { got <- m })
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Close()
		b.publishNATS(t, "probe.attach", "")
		select {
		case <-got:
			return true
		case <-time.After(20 * time.Millisecond):
			return false
		}
	})
}

func (b *bridged) publishNATS(t *testing.T, subject, payload string) {
	t.Helper()
	if err := b.sender.Publish(subject, []byte(payload)); err != nil {
		t.Fatal(err)
	}
	if err := b.sender.Flush(); err != nil {
		t.Fatal(err)
	}
}

func (b *bridged) subscribeNATS(t *testing.T, subject string) *nats.Subscription {
	t.Helper()
	sub, err := b.nats.SubscribeSync(subject)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.nats.Flush(); err != nil {
		t.Fatal(err)
	}
	return sub
}

func expectNATS(t *testing.T, sub *nats.Subscription, subject, payload string) {
	t.Helper()
	m, err := sub.NextMsg(exchangetest.Patience)
	if err != nil {
		t.Fatalf("waiting for %s %q: %v", subject, payload, err)
	}
	if m.Subject != subject || string(m.Data) != payload {
		t.Fatalf("%s %q, want %s %q", m.Subject, m.Data, subject, payload)
	}
}

func TestPeerOutward(t *testing.T) {
	b := bridge(t)
	c := b.Client(exchangetest.AliceToken)
	c.Register(1, "a/b")
	c.Publish(1, "nobody there is interested")
	c.ExpectNothing()
	if n := b.peer.published.Load(); n != 0 {
		t.Errorf("%d messages were handed over without interest", n)
	}
	// What is published after NATS knows of a subscription reaches it, each time.
	for i := range 50 {
		sub := b.subscribeNATS(t, "a.>")
		payload := fmt.Sprint("message ", i)
		c.Publish(1, payload)
		expectNATS(t, sub, "a.b", payload)
		if err := sub.Unsubscribe(); err != nil {
			t.Fatal(err)
		}
		if err := b.nats.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	b.subscribeNATS(t, ">")
	n := b.peer.published.Load()
	agent := local(t, b.Broker, "")
	for _, topic := range []string{"$JS/API/STREAM/DELETE/x", "_INBOX/x", "$SYS/x"} {
		if err := agent.Publish(spec.Topic(topic), nil); err != nil {
			t.Fatal(err)
		}
	}
	if b.peer.published.Load() != n {
		t.Error("NATS's own subjects were published on")
	}
}

// TestPeerInward: overlapping filters, each of which gets a message once.
func TestPeerInward(t *testing.T) {
	b := bridge(t)
	c, other := b.Client(exchangetest.AliceToken), b.Client(exchangetest.BobToken)
	c.Subscribe(1, "a/#", wire.Block, 0)
	c.Subscribe(2, "a/b", wire.Block, 0)
	other.Subscribe(3, "a/+", wire.Block, 0)
	b.publishNATS(t, "a.b", "once")
	got := map[uint32]int{}
	for range 2 {
		f, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		got[f.ID]++
	}
	if got[1] != 1 || got[2] != 1 {
		t.Errorf("subscriptions got %v", got)
	}
	other.ExpectMessage(3, "a/b", "once")
	b.publishNATS(t, "a", "parent")
	c.ExpectMessage(1, "a", "parent")
	for _, subject := range []string{"a.x/y", "a..b", "$JS.a"} { // have no topic
		_ = b.sender.Publish(subject, nil)
	}
	b.publishNATS(t, "a.c", "last")
	c.ExpectMessage(1, "a/c", "last")
	other.ExpectMessage(3, "a/c", "last")
	c.ExpectNothing()
	other.ExpectNothing()
}

// TestPeerNoLoop: with subscribers on both sides, everybody gets a message once.
func TestPeerNoLoop(t *testing.T) {
	b := bridge(t)
	there := b.subscribeNATS(t, "a.b")
	c, other := b.Client(exchangetest.AliceToken), b.Client(exchangetest.BobToken)
	other.Subscribe(1, "a/b", wire.Block, 0)
	c.Register(1, "a/b")
	for i := range 20 {
		payload := fmt.Sprint(i)
		c.Publish(1, payload)
		other.ExpectMessage(1, "", payload)
		expectNATS(t, there, "a.b", payload)
		b.publishNATS(t, "a.b", "back "+payload)
		other.ExpectMessage(1, "", "back "+payload)
		expectNATS(t, there, "a.b", "back "+payload)
	}
	other.ExpectNothing()
	if n, _, err := there.Pending(); err != nil || n != 0 {
		t.Errorf("%d messages too many, %v", n, err)
	}
}

// TestPeerOrder: a flood outward arrives whole and in order.
func TestPeerOrder(t *testing.T) {
	b := bridge(t)
	const total = 20_000
	done := make(chan error, 1)
	next := 0
	_, err := b.nats.Subscribe("a.b", func(m *nats.Msg) {
		if want := fmt.Sprint(next); string(m.Data) != want {
			done <- fmt.Errorf("%q, want %q", m.Data, want)
		}
		if next++; next == total {
			done <- nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.nats.Flush(); err != nil {
		t.Fatal(err)
	}
	c := b.Client(exchangetest.AliceToken)
	c.Register(1, "a/b")
	for i := range total {
		c.Publish(1, fmt.Sprint(i))
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(exchangetest.Patience):
		t.Errorf("%d of %d arrived", next, total)
	}
}

func TestPeerComesAndGoes(t *testing.T) {
	b := bridge(t)
	c := b.Client(exchangetest.AliceToken)
	c.Subscribe(1, "a/b", wire.Block, 0)
	b.publishNATS(t, "a.b", "attached")
	c.ExpectMessage(1, "", "attached")
	b.detach()
	exchangetest.Until(t, "the mirrors are gone", func() bool { return b.peer.Interest("a.b") == 0 })
	c.Subscribe(2, "a/c", wire.Block, 0)
	b.attach(t)
	b.publishNATS(t, "a.b", "again")
	c.ExpectMessage(1, "", "again")
	b.publishNATS(t, "a.c", "new")
	c.ExpectMessage(2, "", "new")
	c.Close()
	exchangetest.Until(t, "nothing is mirrored without subscribers", func() bool { return b.peer.Interest("a.b") == 0 })
}
