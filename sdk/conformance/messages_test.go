// Package conformance_test holds every SDK to one behaviour: it talks with a small
// driver that each has, against the real broker, over every link. README.md says
// what a driver does.
package conformance_test

import (
	"encoding/hex"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// client is an SDK, by its driver.
type client struct{ name, program string }

// clients finds the drivers: sdk/LANG/conformance/driver.
func clients(t *testing.T) []client {
	t.Helper()
	paths, err := filepath.Glob("../*/conformance/driver")
	if err != nil || len(paths) == 0 {
		t.Fatal("no drivers: ", err)
	}
	var list []client
	for _, p := range paths {
		list = append(list, client{name: filepath.Base(filepath.Dir(filepath.Dir(p))), program: p})
	}
	return list
}

// pair is a scene: a broker and two drivers of one SDK, connected by one link.
type pair struct {
	*testing.T
	client  client
	broker  *broker
	address string
	a, b    *driver
}

func dial(address string) (net.Conn, error) {
	_, path, _ := strings.Cut(address, ":")
	return net.Dial("unix", path)
}

// everywhere plays a scene with every SDK over every link that the broker has.
func everywhere(t *testing.T, scene func(p *pair)) {
	for _, c := range clients(t) {
		t.Run(c.name, func(t *testing.T) {
			for _, link := range []string{"unix", "mqueue", "tcp"} {
				t.Run(link, func(t *testing.T) { play(t, newBroker(t), c, link, scene) })
			}
		})
	}
}

func play(t *testing.T, b *broker, c client, link string, scene func(p *pair)) {
	address, ok := b.addresses[link]
	if !ok {
		t.Skip("the broker of these tests has no link ", link)
	}
	p := &pair{T: t, client: c, broker: b, address: address}
	p.a, p.b = c.start(t, address, token), c.start(t, address, token)
	for _, d := range []*driver{p.a, p.b} {
		got := d.try("connect")
		if link == "mqueue" && strings.HasPrefix(got, "error unsupported") {
			t.Skip("this SDK's language reaches no message queues")
		}
		if got != "ok app testdevice" {
			t.Fatalf("connect: %q", got)
		}
	}
	scene(p)
}

func TestPublishAndSubscribe(t *testing.T) {
	everywhere(t, func(p *pair) {
		p.b.do("subscribe", "s", "t/+", "drop-oldest", 0, "-")
		p.b.do("subscribe", "own", "t/own", "block", 16, "-")
		p.a.do("publish", "t/1", "00ff")
		p.a.do("publish", "t/1", "-")
		p.a.do("confirm", "t/2", "6772c3bc6e")
		p.b.hears("message s t/1 00ff", "message s t/1 -", "message s t/2 6772c3bc6e")
		p.b.do("unsubscribe", "s")
		p.b.do("publish", "t/own", "01")
		p.b.hears("message own t/own 01")
		p.a.do("confirm", "t/1", "02")
		p.a.do("confirm", "t/own", "03")
		p.b.hears("message own t/own 03")
	})
}

func TestOrderAndNothingLostWithBlock(t *testing.T) {
	everywhere(t, func(p *pair) {
		p.b.do("subscribe", "s", "t/n", "block", 64, "-")
		p.a.do("flood", "t/n", 5000, 16)
		for n := range 5000 {
			p.b.hears(fmt.Sprintf("message s t/n %02x%02x000078787878787878787878787878", n&0xff, n>>8)[:len("message s t/n ")+32])
		}
	})
}

// A client that asks for message queues of which there are none left goes on over
// the socket on which it asked, and has queues again when there are some.
func TestNoMessageQueuesLeft(t *testing.T) {
	for _, c := range clients(t) {
		t.Run(c.name, func(t *testing.T) {
			b := newBroker(t)
			var limit unix.Rlimit
			none := unix.Rlimit{}
			if err := unix.Prlimit(b.cmd.Process.Pid, unix.RLIMIT_MSGQUEUE, nil, &limit); err != nil {
				t.Fatal(err)
			}
			none.Max = limit.Max
			if err := unix.Prlimit(b.cmd.Process.Pid, unix.RLIMIT_MSGQUEUE, &none, nil); err != nil {
				t.Fatal(err)
			}
			play(t, b, c, "mqueue", func(p *pair) {
				p.b.do("subscribe", "s", "t/#", "block", 0, "-")
				large := strings.Repeat("5a", 100_000)
				p.a.do("confirm", "t/x", large)
				p.b.hears("message s t/x " + large)
				if got := b.do(map[string]any{"links": "app"})["links"]; fmt.Sprint(got) != "[unix unix]" {
					t.Errorf("the links are %v", got)
				}
				b.kill()
				b.start()
				p.eventually("both are back", func() bool {
					return p.a.try("confirm", "t/x", "01") == "ok" && p.b.heard("message s t/x 01")
				})
				if got := b.do(map[string]any{"links": "app"})["links"]; fmt.Sprint(got) != "[mqueue mqueue]" {
					t.Errorf("after a restart the links are %v", got)
				}
			})
		})
	}
}

func TestLargeMessages(t *testing.T) {
	everywhere(t, func(p *pair) {
		p.b.do("subscribe", "s", "t/large", "block", 0, "-")
		payload := strings.Repeat("5a", 900_000)
		p.a.do("publish", "t/large", payload)
		p.b.hears("message s t/large " + payload)
		p.a.refused("too-large", "confirm", "t/large", strings.Repeat("5a", 1<<20))
		p.a.do("confirm", "t/large", "01")
		p.b.hears("message s t/large 01")
	})
}

func TestDenials(t *testing.T) {
	everywhere(t, func(p *pair) {
		p.a.refused("denied", "publish", "secret/x", "00")
		p.a.refused("denied", "confirm", "secret/x", "00")
		p.a.refused("denied", "subscribe", "s", "#", "drop-oldest", 0, "-")
		p.a.refused("denied", "request", "secret/x", 1000, "00")
		p.a.refused("denied", "respond", "r", "secret/#")
		p.a.refused("invalid-topic", "confirm", "t/#/x", "00")
		p.a.refused("invalid-topic", "subscribe", "s", "t/x#", "drop-oldest", 0, "-")
		p.b.do("subscribe", "s", "t/x", "drop-oldest", 0, "-")
		p.a.do("confirm", "t/x", "01")
		p.b.hears("message s t/x 01")
	})
}

func TestAnUnknownToken(t *testing.T) {
	everywhere(t, func(p *pair) {
		p.client.start(p.T, p.address, nobody).refused("unauthenticated", "connect")
	})
}

func TestRequests(t *testing.T) {
	everywhere(t, func(p *pair) {
		p.a.refused("no-responder", "request", "req/reverse", 1000, "0102")
		p.b.do("respond", "r", "req/reverse")
		if got := p.a.do("request", "req/reverse", 10_000, "010203"); got != "030201" {
			t.Errorf("answer %q", got)
		}
		if got := p.a.do("request", "req/reverse", 10_000, "-"); got != "-" {
			t.Errorf("answer %q", got)
		}
		p.a.refused("internal", "request", "req/reverse", 10_000, hex.EncodeToString([]byte("fail")))
		p.b.do("hold")
		p.a.refused("timeout", "request", "req/reverse", 300, "01")
		p.b.do("resume")
		if got := p.a.do("request", "req/reverse", 10_000, "0102"); got != "0201" {
			t.Errorf("answer %q", got)
		}
	})
}

func TestDroppingIsTold(t *testing.T) {
	everywhere(t, func(p *pair) {
		p.b.do("subscribe", "s", "t/x", "drop-oldest", 4, "-")
		p.b.do("hold")
		p.a.do("flood", "t/x", 50_000, 32)
		p.a.do("drain")
		p.b.do("resume")
		last := fmt.Sprintf("message s t/x %02x%02x0000", 49_999&0xff, 49_999>>8)
		told := false
		for {
			e := p.b.next()
			told = told || strings.HasPrefix(e, "trouble overflow")
			if strings.HasPrefix(e, last) {
				break
			}
		}
		if !told {
			p.b.until("trouble overflow")
		}
	})
}

func TestCredit(t *testing.T) {
	everywhere(t, func(p *pair) {
		p.b.do("subscribe", "s", "t/x", "drop-newest", 8, 2)
		for n := range 4 {
			p.a.do("confirm", "t/x", fmt.Sprintf("%02x", n))
		}
		p.b.hears("message s t/x 00", "message s t/x 01")
		p.b.do("drain")
		select {
		case e := <-p.b.events:
			t.Fatalf("event %q without credit", e)
		default:
		}
		p.b.do("credit", "s", 1)
		p.b.hears("message s t/x 02")
		p.b.do("credit", "s", 10)
		p.b.hears("message s t/x 03")
	})
}

func TestPermissionTakenAway(t *testing.T) {
	everywhere(t, func(p *pair) {
		p.a.do("subscribe", "s", "t/x", "drop-oldest", 0, "-")
		p.a.do("publish", "t/y", "00")
		p.broker.do(map[string]any{"grant": grant{Name: "app", Token: token, Subscribe: []string{"t/z"}, Publish: []string{"t/z"}}})
		if e := p.a.until("ended"); e != "ended s denied" {
			t.Fatalf("event %q", e)
		}
		p.a.refused("denied", "confirm", "t/y", "00")
		p.a.do("subscribe", "s", "t/z", "drop-oldest", 0, "-")
		p.a.do("confirm", "t/z", "01")
		if e := p.a.until("message"); e != "message s t/z 01" {
			t.Fatalf("event %q", e)
		}
	})
}

// A broker that is killed and started again: subscriptions, registrations and
// responders are there again without the program's doing.
func TestReconnection(t *testing.T) {
	everywhere(t, func(p *pair) {
		p.b.do("subscribe", "s", "t/#", "drop-oldest", 0, "-")
		p.b.do("respond", "r", "req/reverse")
		p.a.do("publish", "t/x", "00")
		p.b.hears("message s t/x 00")
		p.broker.kill()
		p.broker.start()
		p.eventually("the subscriber is back", func() bool {
			p.a.do("publish", "t/x", "01")
			return p.b.heard("message s t/x 01")
		})
		p.eventually("the responder is back", func() bool {
			return p.a.try("request", "req/reverse", 1000, "0102") == "ok 0201"
		})
	})
}

func (p *pair) eventually(what string, check func() bool) {
	p.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if check() {
			return
		}
	}
	p.Fatalf("not within %v: %s", patience, what)
}

// heard tells whether this event has come, of those that are there.
func (d *driver) heard(event string) bool {
	for {
		select {
		case e := <-d.events:
			if e == event {
				return true
			}
		case <-time.After(50 * time.Millisecond):
			return false
		}
	}
}

func TestLog(t *testing.T) {
	everywhere(t, func(p *pair) {
		p.a.do("log", 2, hex.EncodeToString([]byte("grün")))
		p.a.do("drain")
		logs, _ := p.broker.do(map[string]any{"logs": struct{}{}})["logs"].([]any)
		if got := fmt.Sprint(logs); got != "[[app 2 grün]]" {
			t.Errorf("logged: %s", got)
		}
	})
}

func TestWhatWasPublishedBeforeCloseArrives(t *testing.T) {
	everywhere(t, func(p *pair) {
		p.b.do("subscribe", "s", "t/x", "block", 4096, "-")
		p.a.do("flood", "t/x", 2000, 64)
		p.a.do("close")
		select {
		case <-p.a.ended:
		case <-time.After(patience):
			t.Fatal("the driver did not end")
		}
		if err := p.a.cmd.Wait(); err != nil {
			t.Errorf("the driver: %v", err)
		}
		for range 2000 {
			p.b.until("message s t/x")
		}
	})
}

// sorted are the words of an answer.
func sorted(answer string) string {
	words := strings.Fields(answer)
	slices.Sort(words)
	return strings.Join(words, " ")
}
