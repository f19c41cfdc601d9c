package conformance_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/tcp"
	"fescue.dev/fescue/exchange/unix"
	fescue "fescue.dev/fescue/sdk/go"
	"fescue.dev/fescue/spec"
)

var sockets = exchangetest.Fixture{
	Listen: func(dir string) (exchange.Link, error) { return unix.Listen(unix.Options{Path: dir + "/x.sock"}) },
	Dial:   func(ctx context.Context, path string) (io.ReadWriteCloser, error) { return unix.Dial(ctx, path) },
}

// connect is a client of the Go SDK's; soon bounds all that a test waits for.
func connect(t *testing.T, address, token string, o fescue.Options) (c *fescue.Client, soon context.Context) {
	t.Helper()
	soon, cancel := context.WithTimeout(t.Context(), exchangetest.Patience)
	t.Cleanup(cancel)
	o.Address, o.Token = address, token
	c, err := fescue.Connect(soon, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, soon
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func refused(t *testing.T, err error, code fescue.Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("the error is %v, want %v", err, code)
	}
}

func TestGoMessagesAndRequests(t *testing.T) {
	b := exchangetest.Start(t, sockets, exchange.Options{})
	alice, soon := connect(t, b.Link.Address(), exchangetest.AliceToken, fescue.Options{})
	bob, _ := connect(t, b.Link.Address(), exchangetest.BobToken, fescue.Options{})

	s := must(alice.Subscribe(soon, "a/+/t", fescue.SubscribeOptions{}))(t)
	for _, topic := range []string{"a/1/t", "a/2/t", "b/1/t", "a/3/t"} {
		if err := bob.Publish(soon, topic, []byte(topic)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"a/1/t", "a/2/t", "a/3/t"} {
		m := must(s.Next(soon))(t)
		if m.Topic != want || string(m.Payload) != want {
			t.Errorf("got %q on %s, want %s", m.Payload, m.Topic, want)
		}
	}
	refused(t, bob.Publish(soon, "c/out", nil), fescue.Denied)
	_, err := bob.Subscribe(soon, "#", fescue.SubscribeOptions{})
	refused(t, err, fescue.Denied)

	_, err = bob.Request(soon, "a/twice", nil)
	refused(t, err, fescue.NoResponder)
	must(alice.Respond(soon, "a/twice", func(_ context.Context, m fescue.Message) ([]byte, error) {
		if len(m.Payload) == 0 {
			return nil, errors.New("nothing to repeat")
		}
		return append(m.Payload, m.Payload...), nil
	}))(t)
	if got := must(bob.Request(soon, "a/twice", []byte("ab")))(t); string(got) != "abab" {
		t.Errorf("the answer is %q", got)
	}
	_, err = bob.Request(soon, "a/twice", nil)
	refused(t, err, fescue.Internal)
}

func TestGoState(t *testing.T) {
	b := exchangetest.Start(t, sockets, exchange.Options{})
	c, soon := connect(t, b.Link.Address(), exchangetest.AliceToken, fescue.Options{})

	_, err := c.Get(soon, "k")
	refused(t, err, fescue.NotFound)
	w := must(c.Watch(soon, "k"))(t)
	first := must(c.Put(soon, "k", []byte("1"), 0))(t)
	_, err = c.PutIf(soon, "k", []byte("x"), 0, first+1)
	refused(t, err, fescue.Conflict)
	second := must(c.PutIf(soon, "k", []byte("2"), 0, first))(t)
	if v := must(c.Get(soon, "k"))(t); string(v.Bytes) != "2" || v.Revision != second {
		t.Errorf("k is %q of revision %d, want 2 of %d", v.Bytes, v.Revision, second)
	}
	must(c.Put(soon, "rooms/a", nil, time.Hour))(t)
	if diff := cmp.Diff([]string{"k", "rooms/a"}, must(c.Keys(soon, "#"))(t)); diff != "" {
		t.Error(diff)
	}
	if err := c.Delete(soon, "k"); err != nil {
		t.Fatal(err)
	}
	want := []fescue.ChangeKind{fescue.EndOfPresent, fescue.KeyPut, fescue.KeyPut, fescue.KeyDeleted}
	for _, kind := range want {
		if change := must(w.Next(soon))(t); change.Kind != kind {
			t.Errorf("%v of %q, want %v", change.Kind, change.Key, kind)
		}
	}
}

func TestGoKeptTopics(t *testing.T) {
	b := exchangetest.Start(t, sockets, exchange.Options{})
	c, soon := connect(t, b.Link.Address(), exchangetest.AliceToken, fescue.Options{})

	for _, payload := range []string{"good", "bad"} {
		if err := c.Store(soon, "a/kept/x", []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, c.Store(soon, "a/loose", nil), fescue.NotKept)
	dead := must(c.Subscribe(soon, "a/kept/dead", fescue.SubscribeOptions{}))(t)
	place := fescue.Place{Name: "p", Filter: "a/kept/x", Oldest: true, DeadLetter: "a/kept/dead"}
	deliveries := must(c.Consume(soon, place))(t)
	good := must(deliveries.Next(soon))(t)
	good.Again(time.Millisecond)
	bad := must(deliveries.Next(soon))(t)
	bad.Reject()
	again := must(deliveries.Next(soon))(t)
	again.Done()
	if again.Sequence != good.Sequence || again.Attempt != 2 || !again.MaybeBefore {
		t.Errorf("the second delivery is %+v of %+v", again, good)
	}
	if m := must(dead.Next(soon))(t); string(m.Payload) != "bad" {
		t.Errorf("the dead letter is %q", m.Payload)
	}
	past := must(c.History(soon, "a/kept/x", fescue.Range{Limit: 1, Newest: true}))(t)
	if len(past) != 1 || string(past[0].Payload) != "bad" {
		t.Errorf("the newest of the past is %+v", past)
	}
}

// A client's subscriptions, topics and watches outlive the broker.
func TestGoReconnection(t *testing.T) {
	dir, stores := t.TempDir(), t.TempDir()
	here := exchangetest.Fixture{Dial: sockets.Dial, Listen: func(string) (exchange.Link, error) { return sockets.Listen(dir) }}
	b := exchangetest.StartIn(t, here, exchange.Options{}, stores)
	c, soon := connect(t, b.Link.Address(), exchangetest.AliceToken, fescue.Options{OnError: func(error) {}})
	s := must(c.Subscribe(soon, "a/t", fescue.SubscribeOptions{}))(t)
	must(c.Put(soon, "k", []byte("1"), 0))(t)
	b.Stop()
	exchangetest.StartIn(t, here, exchange.Options{}, stores)
	if err := c.Confirm(soon, "a/t", []byte("after")); err != nil {
		t.Fatal(err)
	}
	if m := must(s.Next(soon))(t); string(m.Payload) != "after" {
		t.Errorf("got %q", m.Payload)
	}
	if v := must(c.Get(soon, "k"))(t); string(v.Bytes) != "1" {
		t.Errorf("k is %q", v.Bytes)
	}
}

func TestGoInvokesAnotherFunction(t *testing.T) {
	link := exchangetest.Fixture{
		Listen: func(string) (exchange.Link, error) {
			return tcp.Listen(t.Context(), tcp.Options{Address: "127.0.0.1:0"})
		},
		Dial: func(ctx context.Context, address string) (io.ReadWriteCloser, error) { return tcp.Dial(ctx, address) },
	}
	b := exchangetest.Start(t, link, exchange.Options{})
	b.Allow("caller", spec.Resources{Publish: []spec.Filter{spec.InvokeTopic + "other"}}, "caller-token")
	b.Allow("other", spec.Resources{Subscribe: []spec.Filter{spec.InvokeTopic + "other"}}, "other-token")
	caller, soon := connect(t, b.Link.Address(), "caller-token", fescue.Options{})
	other, _ := connect(t, b.Link.Address(), "other-token", fescue.Options{})
	must(other.Respond(soon, spec.InvokeTopic+"other", func(_ context.Context, m fescue.Message) ([]byte, error) {
		return append([]byte("hello "), m.Payload...), nil
	}))(t)
	if got := must(caller.Invoke(soon, "other", []byte("Ada")))(t); string(got) != "hello Ada" {
		t.Errorf("the function returned %q", got)
	}
	_, err := caller.Invoke(soon, "secret", nil)
	refused(t, err, fescue.Denied)
}
