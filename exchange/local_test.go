package exchange_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func local(t *testing.T, b *exchangetest.Broker, app spec.Name) *exchange.Client {
	t.Helper()
	c, err := b.Local(app)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// receive subscribes and passes on what comes.
func receive(t *testing.T, c *exchange.Client, filter spec.Filter) <-chan exchange.Message {
	t.Helper()
	got := make(chan exchange.Message, 100)
	if _, err := c.Subscribe(filter, exchange.SubscribeOptions{}, func(m exchange.Message) { got <- m }); err != nil {
		t.Fatal(err)
	}
	return got
}

func expect(t *testing.T, got <-chan exchange.Message, topic, payload string) {
	t.Helper()
	select {
	case m := <-got:
		if string(m.Topic) != topic || string(m.Payload) != payload {
			t.Fatalf("%s %q, want %s %q", m.Topic, m.Payload, topic, payload)
		}
	case <-time.After(exchangetest.Patience):
		t.Fatalf("nothing came, want %s %q", topic, payload)
	}
}

func TestLocalMeetsLinks(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	agent, remote := local(t, b, ""), b.Client(exchangetest.AliceToken)
	all := receive(t, agent, "#")
	exact := receive(t, agent, "a/b")
	remote.Subscribe(1, "b/+", wire.Block, 0)
	remote.Register(1, "a/b")
	remote.Publish(1, "from the link")
	expect(t, all, "a/b", "from the link")
	expect(t, exact, "a/b", "from the link")
	if err := agent.Publish("b/x", []byte("from the agent")); err != nil {
		t.Fatal(err)
	}
	remote.ExpectMessage(1, "b/x", "from the agent")
	expect(t, all, "b/x", "from the agent")
}

// A subscription can ask who published, however its filter is written.
func TestLocalFrom(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	agent, alice, remote := local(t, b, ""), local(t, b, "alice"), b.Client(exchangetest.AliceToken)
	got := make(chan exchange.Message, 10)
	for _, filter := range []spec.Filter{"a/b", "a/#"} {
		if _, err := agent.Subscribe(filter, exchange.SubscribeOptions{From: true}, func(m exchange.Message) { got <- m }); err != nil {
			t.Fatal(err)
		}
	}
	want := func(payload, from string) {
		t.Helper()
		for range 2 {
			select {
			case m := <-got:
				if m.Topic != "a/b" || string(m.Payload) != payload || m.From != from {
					t.Errorf("%s %q from %q, want %q from %q", m.Topic, m.Payload, m.From, payload, from)
				}
			case <-time.After(exchangetest.Patience):
				t.Fatal("nothing came")
			}
		}
	}
	remote.Register(1, "a/b")
	remote.Publish(1, "by a link")
	want("by a link", "alice")
	if err := alice.Publish("a/b", []byte("inside")); err != nil {
		t.Fatal(err)
	}
	want("inside", "alice")
	if err := agent.Publish("a/b", nil); err != nil {
		t.Fatal(err)
	}
	want("", exchange.FromAgent)
}

// TestLocalPayloadsStay: payloads belong to the receiver, whatever comes after.
func TestLocalPayloadsStay(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	agent := local(t, b, "")
	var kept [][]byte
	done := make(chan struct{})
	const total = 5_000
	_, err := agent.Subscribe("k", exchange.SubscribeOptions{Policy: exchange.Block}, func(m exchange.Message) {
		if kept = append(kept, m.Payload); len(kept) == total {
			close(done)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range total {
		if err := agent.Publish("k", fmt.Appendf(nil, "payload %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	<-done
	for i, p := range kept {
		if want := fmt.Sprintf("payload %d", i); string(p) != want {
			t.Fatalf("%q, want %q", p, want)
		}
	}
}

func TestLocalPermissions(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	if _, err := b.Local("nobody"); !fail.Is(err, fail.NotFound) {
		t.Errorf("an application without grants: %v", err)
	}
	carol := local(t, b, exchangetest.Carol)
	if err := carol.Publish("a/b", nil); !fail.Is(err, fail.Denied) {
		t.Errorf("publish: %v", err)
	}
	if _, err := carol.Subscribe("#", exchange.SubscribeOptions{}, func(exchange.Message) {}); !fail.Is(err, fail.Denied) {
		t.Errorf("subscribe: %v", err)
	}
	if err := carol.Publish("c/#", nil); !fail.Is(err, fail.Invalid) {
		t.Errorf("publish on a filter: %v", err)
	}
	if err := carol.Publish("c/out", make([]byte, 2<<20)); !fail.Is(err, fail.TooLarge) {
		t.Errorf("publish 2 MiB: %v", err)
	}
	if err := carol.Publish("c/out", nil); err != nil {
		t.Errorf("publish: %v", err)
	}
	b.Revoke(exchangetest.Carol)
	exchangetest.Until(t, "the session is over", func() bool { return fail.Is(carol.Publish("c/out", nil), fail.Unavailable) })
}

func TestLocalRequests(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	alice, bob := local(t, b, exchangetest.Alice), local(t, b, exchangetest.Bob)
	ctx := context.Background()
	if _, err := alice.Request(ctx, "a/sum", nil); !fail.Is(err, fail.Unavailable) {
		t.Errorf("without a responder: %v", err)
	}
	answers := exchange.SubscribeOptions{Answers: true}
	sub, err := bob.Subscribe("a/+", answers, func(m exchange.Message) {
		switch m.Topic {
		case "a/sum":
			m.Respond(append([]byte("sum of "), m.Payload...))
		case "a/bad":
			m.Refuse("no")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := alice.Request(ctx, "a/sum", []byte("1+1"))
	if err != nil || string(got) != "sum of 1+1" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := alice.Request(ctx, "a/bad", nil); !fail.Is(err, fail.Internal) {
		t.Errorf("refused: %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
	defer cancel()
	if _, err := alice.Request(short, "a/silent", nil); !fail.Is(err, fail.Timeout) {
		t.Errorf("silent: %v", err)
	}
	var many sync.WaitGroup
	for i := range 50 {
		many.Go(func() {
			want := fmt.Sprintf("sum of %d", i)
			if got, err := alice.Request(ctx, "a/sum", []byte(want[7:])); err != nil || string(got) != want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	many.Wait()
	sub.Close()
	if _, err := alice.Request(ctx, "a/sum", nil); !fail.Is(err, fail.Unavailable) {
		t.Errorf("after the responder has gone: %v", err)
	}
}

func TestLocalNoLocalAndClose(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	alice, bob := local(t, b, exchangetest.Alice), local(t, b, exchangetest.Bob)
	got := make(chan exchange.Message, 10)
	sub, err := alice.Subscribe("a/#", exchange.SubscribeOptions{NoLocal: true}, func(m exchange.Message) { got <- m })
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*exchange.Client{alice, bob} {
		if err := c.Publish("a/x", []byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, got, "a/x", "hello")
	sub.Close()
	if err := bob.Publish("a/x", []byte("closed")); err != nil {
		t.Fatal(err)
	}
	other := receive(t, alice, "b/x")
	if err := bob.Publish("b/x", nil); err != nil {
		t.Fatal(err)
	}
	expect(t, other, "b/x", "")
	if len(got) > 0 {
		t.Errorf("%d messages too many", len(got))
	}
}

func TestTopicsAndStats(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	c := b.Client(exchangetest.AliceToken)
	c.Register(1, "a/b")
	c.Subscribe(1, "a/#", wire.Block, 0)
	for range 3 {
		c.Publish(1, "x")
		c.ExpectMessage(1, "a/b", "x")
	}
	c.Send(wire.AppendPublishTo(nil, 1, "b/once", nil))
	c.Expect(wire.OK, 1)
	want := []exchange.TopicStat{
		{Topic: "a/#", Subscribers: 1, SubscribedBy: []string{"alice"}},
		{Topic: "a/b", Publishers: 1, Subscribers: 1, Messages: 3, Bytes: 3, PublishedBy: []string{"alice"}, SubscribedBy: []string{"alice"}},
		{Topic: "b/once", Publishers: 1, Messages: 1, PublishedBy: []string{"alice"}},
		{Topic: "c/out"}, // carol may publish on it
	}
	noLast := cmpopts.IgnoreFields(exchange.TopicStat{}, "Last")
	if diff := cmp.Diff(want, b.Topics(), noLast); diff != "" {
		t.Error(diff)
	}
	stats := b.Of(exchangetest.Alice)
	if stats.In != 4 || stats.Out != 3 || len(stats.Sessions) != 1 || stats.Sessions[0].Client != "exchangetest" {
		t.Errorf("%+v", stats)
	}
	c.Close()
	exchangetest.Until(t, "figures outlive the session", func() bool {
		s := b.Of(exchangetest.Alice)
		return len(s.Sessions) == 0 && s.In == 4 && s.Out == 3
	})
	want = []exchange.TopicStat{{Topic: "a/b", Messages: 3, Bytes: 3}, {Topic: "b/once", Messages: 1}, {Topic: "c/out"}}
	if diff := cmp.Diff(want, b.Topics(), noLast); diff != "" {
		t.Error(diff)
	}
}

// TestLastMessage: of each topic the message published last is known, its beginning, also when its
// publisher has gone.
func TestLastMessage(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	last := func() exchange.LastMessage {
		for _, topic := range b.Topics() {
			if topic.Topic == "a/b" {
				return topic.Last
			}
		}
		return exchange.LastMessage{}
	}
	one, two := b.Client(exchangetest.AliceToken), b.Client(exchangetest.BobToken)
	one.Register(1, "a/b")
	if m := last(); !m.Time.IsZero() {
		t.Errorf("nothing was published, and the last is %+v", m)
	}
	long := strings.Repeat("ü", 200)
	for _, c := range []struct {
		client        *exchangetest.Client
		payload, want string
	}{{one, "first", "first"}, {two, "second", "second"}, {one, "third", "third"}, {two, long, long[:256]}, {one, "x" + long, "x" + long[:254]}} {
		c.client.Send(wire.AppendPublishTo(nil, 5, "a/b", []byte(c.payload)))
		c.client.Expect(wire.OK, 5)
		if m := last(); string(m.Payload) != c.want || m.Size != len(c.payload) || time.Since(m.Time) > time.Hour {
			t.Errorf("the last message is %q of %d bytes, want %q of %d", m.Payload, m.Size, c.want, len(c.payload))
		}
	}
	// Of messages that come together it is the last one too.
	together := wire.AppendPublishTo(nil, 0, "a/b", []byte("on"))
	one.Send(wire.AppendPublishTo(wire.AppendPublishTo(together, 0, "a/b", []byte("off")), 5, "a/b", []byte("x"+long)))
	one.Expect(wire.OK, 5)
	if m := last(); string(m.Payload) != "x"+long[:254] {
		t.Errorf("the last message of three is %q", m.Payload)
	}
	one.Close()
	two.Close()
	exchangetest.Until(t, "they have gone", func() bool { return len(b.Of(exchangetest.Alice).Sessions)+len(b.Of(exchangetest.Bob).Sessions) == 0 })
	if m := last(); string(m.Payload) != "x"+long[:254] {
		t.Errorf("the last message is %q", m.Payload)
	}
}

func TestGrantRefusesFaultyFilters(t *testing.T) {
	r := exchange.New(exchange.Options{})
	err := r.Grant("x", spec.Resources{Publish: []spec.Filter{"ok", "a/#/b"}}, exchange.Credential{})
	if !fail.Is(err, fail.Invalid) {
		t.Errorf("%v", err)
	}
	if _, err := r.Local("x"); !fail.Is(err, fail.NotFound) {
		t.Errorf("something was granted: %v", err)
	}
}
