package conformance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fescue.dev/fescue/exchange/wire"
)

// withCapability plays a scene where the broker has what it takes; an SDK must have it then.
func withCapability(t *testing.T, want wire.Capabilities, scene func(p *pair)) {
	everywhere(t, func(p *pair) {
		if p.broker.capabilities()&want != want {
			p.Skipf("the broker has not the capability %#x", want)
		}
		scene(p)
	})
}

func TestState(t *testing.T) {
	withCapability(t, wire.State, func(p *pair) {
		p.a.refused("not-found", "get", "total")
		first := p.a.do("put", "total", "3136", 0)
		if got := p.b.do("get", "total"); got != first+" 3136" {
			p.Errorf("get: %q, put: %q", got, first)
		}
		p.b.refused("conflict", "put-if", "total", "00", 0)
		second := p.b.do("put-if", "total", "3137", first)
		p.a.refused("conflict", "put-if", "total", "00", first)
		p.a.refused("conflict", "delete-if", "total", first)
		p.a.do("put", "rooms/attic", "-", 0)
		if got := sorted(p.b.do("keys", "#")); got != "rooms/attic total" {
			p.Errorf("keys: %q", got)
		}
		if got := p.b.do("keys", "none/#"); got != "" {
			p.Errorf("keys: %q", got)
		}
		p.a.do("delete-if", "total", second)
		p.a.do("delete", "total")
		p.a.refused("not-found", "get", "total")
		p.a.refused("invalid-topic", "put", "rooms/#", "00", 0)
	})
}

func TestWatch(t *testing.T) {
	withCapability(t, wire.State, func(p *pair) {
		one := p.a.do("put", "rooms/a", "01", 0)
		p.b.do("watch", "w", "rooms/#")
		p.b.hears("change w put " + one + " rooms/a 01")
		if e := p.b.next(); !strings.HasPrefix(e, "change w end ") {
			p.Fatalf("event %q", e)
		}
		two := p.a.do("put", "rooms/b", "02", 0)
		p.b.hears("change w put " + two + " rooms/b 02")
		p.a.do("delete", "rooms/a")
		if e := p.b.next(); !strings.HasPrefix(e, "change w deleted ") || !strings.HasSuffix(e, " rooms/a -") {
			p.Fatalf("event %q", e)
		}
		p.a.do("put", "rooms/c", "03", 1)
		p.b.until("change w put ")
		if e := p.b.until("change w expired "); !strings.HasSuffix(e, " rooms/c -") {
			p.Fatalf("event %q", e)
		}
		p.b.do("unwatch", "w")
		p.a.do("put", "rooms/a", "04", 0)
		p.b.do("drain")
		select {
		case e := <-p.b.events:
			p.Fatalf("event %q after unwatch", e)
		default:
		}
	})
}

// remembersKeys are the SDKs whose watches tell what was deleted while there was no link. C, which needs
// no memory of its own, leaves that to the program.
var remembersKeys = []string{"go", "java", "js", "python"}

// A watch tells the present keys again on the next link, and what was deleted before it.
func TestWatchAgain(t *testing.T) {
	withCapability(t, wire.State, func(p *pair) {
		p.a.do("put", "rooms/a", "01", 0)
		p.a.do("put", "rooms/b", "02", 0)
		p.b.do("watch", "w", "rooms/#")
		p.b.until("change w end ")
		p.a.do("put", "rooms/c", "03", 0)
		p.b.until("change w put ")
		p.b.pause()
		p.broker.kill()
		p.broker.start()
		for p.a.try("delete", "rooms/a") != "ok" { // it may not be back yet
		}
		p.a.do("delete", "rooms/c")
		four := p.a.do("put", "rooms/d", "04", 0)
		p.b.goOn()
		if e := p.b.next(); !strings.HasPrefix(e, "change w put ") || !strings.HasSuffix(e, " rooms/b 02") {
			p.Fatalf("event %q", e)
		}
		p.b.hears("change w put " + four + " rooms/d 04")
		if slices.Contains(remembersKeys, p.client.name) {
			p.b.hears("change w deleted "+four+" rooms/a -", "change w deleted "+four+" rooms/c -")
		}
		p.b.hears("change w end " + four + " - -")
		p.a.do("delete", "rooms/b")
		if e := p.b.next(); !strings.HasPrefix(e, "change w deleted ") || !strings.HasSuffix(e, " rooms/b -") {
			p.Fatalf("event %q", e)
		}
	})
}

// delivery parts an event "delivery NAME SEQ ATTEMPT FLAGS TOPIC HEX".
func (p *pair) delivery(e string) (sequence, rest string) {
	p.Helper()
	words := strings.Fields(e)
	if len(words) != 7 || words[0] != "delivery" {
		p.Fatalf("event %q is no delivery", e)
	}
	return words[2], strings.Join(words[3:], " ")
}

func TestAtLeastOnce(t *testing.T) {
	withCapability(t, wire.Durable, func(p *pair) {
		p.b.do("consume", "c", "place", "kept/x", "new", 1, 60_000, 2, "t/dead")
		p.b.do("subscribe", "dead", "t/dead", "block", 0, "-")
		p.a.do("store", "kept/x", "01")
		p.a.do("store", "kept/x", "02")
		p.a.refused("not-kept", "store", "t/x", "00")
		first, rest := p.delivery(p.b.next())
		if rest != "1 0 kept/x 01" {
			p.Fatalf("delivery %q", rest)
		}
		p.b.do("again", "c", first, 1)
		p.answersTheRest(first)
		p.b.do("unsubscribe", "c")
		p.b.do("forget", "place")
		p.b.refused("unknown-id", "forget", "place")
	})
}

// answersTheRest takes the first message again and the second, in whatever order they
// come (what waits for its next attempt makes room for others), and the second's
// dead letter.
func (p *pair) answersTheRest(first string) {
	p.Helper()
	for range 3 {
		e := p.b.next()
		if e == "message dead t/dead 02" {
			continue
		}
		sequence, rest := p.delivery(e)
		switch {
		case sequence == first && rest == "2 1 kept/x 01":
			p.b.do("done", "c", sequence)
		case sequence != first && rest == "1 0 kept/x 02":
			p.b.do("reject", "c", sequence)
		default:
			p.Fatalf("delivery %s %q", sequence, rest)
		}
	}
}

// What was not acknowledged is there again for who consumes from the place next, also
// after the broker was killed.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	withCapability(t, wire.Durable, func(p *pair) {
		p.b.do("consume", "c", "place", "kept/x", "oldest", 0, 0, 0, "-")
		for n := range 10 {
			p.a.do("store", "kept/x", fmt.Sprintf("%02x", n))
		}
		for range 5 {
			sequence, _ := p.delivery(p.b.next())
			p.b.do("done", "c", sequence)
		}
		p.b.do("drain")
		p.broker.kill()
		p.broker.start()
		left := map[string]bool{}
		for !left["05"] || !left["06"] || !left["07"] || !left["08"] || !left["09"] {
			sequence, rest := p.delivery(p.b.until("delivery"))
			words := strings.Fields(rest)
			if words[1] == "1" { // delivered anew, after the broker's start
				left[words[3]] = true
				p.b.do("done", "c", sequence)
			}
		}
	})
}

func TestHistory(t *testing.T) {
	withCapability(t, wire.Histories, func(p *pair) {
		for n := range 5 {
			p.a.do("store", "kept/x", fmt.Sprintf("%02x", n))
		}
		if got := p.b.do("history", "kept/#", 0, 0, 0); got != "5" {
			p.Fatalf("history: %q", got)
		}
		for n := range 5 {
			if e := p.b.next(); !strings.HasPrefix(e, "past ") || !strings.HasSuffix(e, fmt.Sprintf(" kept/x %02x", n)) {
				p.Fatalf("event %q", e)
			}
		}
		if got := p.b.do("history", "kept/#", 0, 0, -2); got != "2" {
			p.Fatalf("history: %q", got)
		}
		for n := 3; n < 5; n++ {
			if e := p.b.next(); !strings.HasSuffix(e, fmt.Sprintf(" kept/x %02x", n)) {
				p.Fatalf("event %q", e)
			}
		}
		p.b.refused("not-kept", "history", "t/x", 0, 0, 0)
		p.b.refused("denied", "history", "secret/x", 0, 0, 0)
	})
}
