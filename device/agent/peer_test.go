package agent

import (
	"context"
	"testing"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fabric"
)

var _ exchange.PeerNATS = (*fabric.Peer)(nil)

// Data Xchange and the fabric, joined as app joins them: messages cross both
// ways, and none comes back to where it was published.
func TestExchangeMeetsFabric(t *testing.T) {
	w := newWorld(t)
	p, err := w.fabric.Peer()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.router.Peer(ctx, p) }()
	defer func() { cancel(); <-done }()

	outside, err := w.fabric.Peer() // stands for a NATS or MQTT client
	if err != nil {
		t.Fatal(err)
	}
	local, err := w.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = local.Close() }()

	in, out := make(chan string, 10), make(chan string, 10)
	if _, err := local.Subscribe("poly/#", exchange.SubscribeOptions{From: true}, func(m exchange.Message) { in <- m.From + " " + string(m.Topic) + " " + string(m.Payload) }); err != nil {
		t.Fatal(err)
	}
	if _, err := outside.Subscribe("poly.*", func(subject string, payload []byte, _ bool) { out <- subject + " " + string(payload) }); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the filter is mirrored", func() bool { return outside.Interest("poly.roots") >= 2 })

	if err := local.Publish("poly/roots", []byte("from inside")); err != nil {
		t.Fatal(err)
	}
	expect(t, in, "@agent poly/roots from inside")
	expect(t, out, "poly.roots from inside")
	if err := outside.Publish("poly.roots", []byte("from outside")); err != nil {
		t.Fatal(err)
	}
	expect(t, in, "@nats poly/roots from outside")
	select {
	case m := <-in:
		t.Errorf("%q came twice", m)
	case m := <-out:
		t.Errorf("%q came back", m)
	case <-time.After(20 * time.Millisecond):
	}
}

func expect(t *testing.T, c <-chan string, want string) {
	t.Helper()
	select {
	case got := <-c:
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Errorf("nothing came, want %q", want)
	}
}
