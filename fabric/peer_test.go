package fabric

import (
	"testing"
	"time"

	"fescue.dev/fescue/fail"
)

func peer(t testing.TB, s *Server) *Peer {
	t.Helper()
	p, err := s.Peer()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type heard struct{ subject, payload string }

func listen(t testing.TB, p *Peer, subject string) (<-chan heard, func()) {
	t.Helper()
	c := make(chan heard, 16)
	stop, err := p.Subscribe(subject, func(s string, b []byte, _ bool) { c <- heard{s, string(b)} })
	if err != nil {
		t.Fatal(err)
	}
	return c, stop
}

func expect(t testing.TB, c <-chan heard, want heard) {
	t.Helper()
	select {
	case got := <-c:
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	case <-time.After(5 * time.Second):
		t.Errorf("nothing came, want %+v", want)
	}
}

func TestPeerHearsOthersNotItself(t *testing.T) {
	s := start(t)
	here, there := peer(t, s), peer(t, s)
	c, _ := listen(t, here, "a.>")
	if err := here.Publish("a.own", []byte("1")); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"a.b", "a.x//y.z"} {
		if err := there.Publish(subject, []byte("2")); err != nil {
			t.Fatal(err)
		}
		expect(t, c, heard{subject, "2"})
	}
}

// The number is exact, behind wildcards too: Data Xchange takes its own off it.
func TestInterestIsExact(t *testing.T) {
	s := start(t)
	here, there := peer(t, s), peer(t, s)
	interest := func(subject string, want int) {
		t.Helper()
		if n := here.Interest(subject); n != want {
			t.Errorf("interest in %s is %d, want %d", subject, n, want)
		}
	}
	interest("a.b", 0)
	_, stopAll := listen(t, here, ">")
	_, stopDeep := listen(t, here, "a.>")
	interest("a.b", 2)
	_, stopOne := listen(t, there, "a.*")
	_, stopSame := listen(t, there, "a.b")
	interest("a.b", 4)
	interest("a", 1)
	interest("b.c", 1)
	stopSame()
	stopOne()
	eventually(t, "interest ends with the subscriptions", func() bool { return here.Interest("a.b") == 2 })
	stopDeep()
	stopAll()
	eventually(t, "interest ends with the own subscriptions", func() bool { return here.Interest("a.b") == 0 })
}

// One subscription goes and another comes: their number is the same.
func TestInterestSeesAnExchange(t *testing.T) {
	s := start(t)
	p := peer(t, s)
	for i := range 20 {
		old, other := "a", "b"
		if i%2 == 1 {
			old, other = other, old
		}
		_, stop := listen(t, p, old)
		eventually(t, "it is seen", func() bool { return p.Interest(old) == 1 && p.Interest(other) == 0 })
		stop()
		_, stop = listen(t, p, other)
		eventually(t, "the other is seen", func() bool { return p.Interest(old) == 0 && p.Interest(other) == 1 })
		stop()
		eventually(t, "none is left", func() bool { return p.Interest(old)+p.Interest(other) == 0 })
	}
}

func TestPeerKeepsOutOfNATSItself(t *testing.T) {
	s := start(t)
	p := peer(t, s)
	c, _ := listen(t, p, ">")
	nc, err := s.Data()
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"$JS.EVENT.x", "_INBOX.x.y", "a.b"} {
		if err := nc.Publish(subject, nil); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, c, heard{"a.b", ""})
	for _, subject := range []string{"$JS.API.STREAM.DELETE.x", "_INBOX.x.y", "$MQTT.x"} {
		if err := p.Publish(subject, nil); !fail.Is(err, fail.Denied) {
			t.Errorf("publishing to %s: %v", subject, err)
		}
	}
}

func TestSlowPeerCountsDrops(t *testing.T) {
	s := start(t)
	p, other := peer(t, s), peer(t, s)
	release := make(chan struct{})
	stop, err := p.Subscribe("a", func(string, []byte, bool) { <-release })
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, 1<<20)
	for range 2 * peerPendingBytes / len(payload) {
		if err := other.Publish("a", payload); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "drops are counted", func() bool { return p.Dropped() > 0 })
	n := p.Dropped()
	close(release)
	stop()
	if p.Dropped() < n {
		t.Error("the count went with the subscription")
	}
}

func BenchmarkInterest(b *testing.B) {
	s := start(b)
	p := peer(b, s)
	_, _ = listen(b, p, ">")
	for b.Loop() {
		p.Interest("poly.roots")
	}
}

func BenchmarkPeerOneWay(b *testing.B) {
	s := start(b)
	here, there := peer(b, s), peer(b, s)
	done := make(chan struct{})
	n := 0
	if _, err := there.Subscribe("poly.roots", func(string, []byte, bool) {
		if n++; n == b.N {
			close(done)
		}
	}); err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, 128)
	b.ResetTimer()
	for i := range b.N {
		_ = here.Publish("poly.roots", payload)
		if i%10_000 == 9_999 {
			_ = here.nc.Flush() // stay within the other's pending limit
		}
	}
	for here.nc.Flush() == nil && there.Dropped() == 0 {
		select {
		case <-done:
			return
		case <-time.After(time.Second):
		}
	}
	b.Skipf("%d messages were dropped", there.Dropped())
}
