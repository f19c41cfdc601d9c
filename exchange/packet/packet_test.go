package packet

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

func FuzzStuffing(f *testing.F) {
	for _, n := range []int{0, 1, 253, 254, 255, 508, 600} {
		f.Add(bytes.Repeat([]byte{7}, n))
		f.Add(make([]byte, n))
		f.Add(append(bytes.Repeat([]byte{7}, n), 0))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		coded := stuff(p)
		if bytes.IndexByte(coded, 0) >= 0 {
			t.Fatalf("a zero in the coded form of %x", p)
		}
		if back, ok := unstuff(coded); !ok || !bytes.Equal(back, p) {
			t.Fatalf("%x came back as %x", p, back)
		}
		unstuff(p)
	})
}

// pipe is two ends of a line.
func pipe(t *testing.T) (a, b Line, console func() []string) {
	t.Helper()
	x, y := net.Pipe()
	lines := make(chan string, 16)
	return Stream(x, func(s string) { lines <- s }), Stream(y, nil), func() []string {
		var all []string
		for len(lines) > 0 {
			all = append(all, <-lines)
		}
		return all
	}
}

// client plays the board's side: it sends a packet and gives the answer.
type client struct {
	t    *testing.T
	line Line
	key  []byte
	n    uint32
}

func (c *client) send(k kind, sequence, next byte, data []byte) {
	c.t.Helper()
	c.n++
	if err := c.line.WritePacket(seal(k, sequence, next, data, c.key, fromClient, c.n)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) receive() opened {
	c.t.Helper()
	p, err := c.line.ReadPacket()
	if err != nil {
		c.t.Fatal(err)
	}
	o, ok := open(p, c.key, fromBroker)
	if !ok {
		c.t.Fatalf("a packet that is not whole: %x", p)
	}
	return o
}

func TestSession(t *testing.T) {
	broker, board, _ := pipe(t)
	ctx, cancel := context.WithCancel(context.Background())
	sessions := make(chan *Session, 1)
	done := make(chan error, 1)
	go func() {
		done <- Serve(ctx, broker, Options{Name: "serial"}, func(s *Session) { sessions <- s; <-ctx.Done() })
	}()
	c := &client{t: t, line: board}
	c.send(kindOpen, 0, 0, greeting{version: 1, window: 2, maxData: 4}.bytes())
	if o := c.receive(); o.kind != kindOpened {
		t.Fatalf("OPEN was answered by %v", o.kind)
	}
	s := <-sessions

	c.send(kindData, 0, 0, []byte("ab"))
	if o := c.receive(); o.kind != kindAck || o.next != 1 {
		t.Errorf("DATA was answered by %+v", o)
	}
	c.send(kindData, 0, 0, []byte("ab")) // again: the answer was lost
	if o := c.receive(); o.next != 1 {
		t.Errorf("a repetition was answered by %+v", o)
	}
	c.send(kindData, 1, 0, []byte("cd"))
	c.receive()
	buffer := make([]byte, 4)
	if _, err := io.ReadFull(s, buffer); err != nil || string(buffer) != "abcd" {
		t.Errorf("read %q, %v", buffer, err)
	}

	if _, err := s.Write([]byte("0123456789")); err != nil {
		t.Fatal(err)
	}
	first, second := c.receive(), c.receive()
	if string(first.data) != "0123" || string(second.data) != "4567" || second.sequence != 1 {
		t.Errorf("the window: %+v, %+v", first, second)
	}
	if o := c.receive(); o.sequence != 0 || string(o.data) != "0123" {
		t.Errorf("without an answer came %+v, not the first packet again", o)
	}
	c.receive() // and the second
	c.send(kindAck, 0, 2, nil)
	if o := c.receive(); o.sequence != 2 || string(o.data) != "89" {
		t.Errorf("the rest: %+v", o)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve ended with %v", err)
	}
}

func TestTextAndConsole(t *testing.T) {
	x, y := net.Pipe()
	said := make(chan string, 16)
	l := Stream(x, func(s string) { said <- s })
	go func() {
		_, _ = y.Write([]byte("booting\r\n~not base64!\n~AQID\r\n"))
	}()
	p, err := l.ReadPacket()
	if err != nil || !slices.Equal(p, []byte{1, 2, 3}) {
		t.Fatalf("packet %x, %v", p, err)
	}
	if a, b := <-said, <-said; a != "booting" || b != "~not base64!" {
		t.Errorf("the console's lines: %q, %q", a, b)
	}
	go func() { _ = l.WritePacket([]byte{4, 5, 6}) }()
	answer := make([]byte, 6)
	_ = y.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(y, answer); err != nil || string(answer) != "~BAUG\n" {
		t.Errorf("the answer to a text packet: %q, %v", answer, err)
	}
}

func TestTagsAndCounters(t *testing.T) {
	key := bytes.Repeat([]byte{3}, KeySize)
	p := seal(kindData, 5, 6, []byte("data"), key, fromClient, 77)
	if o, ok := open(p, key, fromClient); !ok || o.counter != 77 || string(o.data) != "data" || o.sequence != 5 || o.next != 6 {
		t.Errorf("opened %+v, %v", o, ok)
	}
	for name, fault := range map[string]func() bool{
		"another key":       func() bool { _, ok := open(p, bytes.Repeat([]byte{4}, KeySize), fromClient); return ok },
		"another direction": func() bool { _, ok := open(p, key, fromBroker); return ok },
		"without a key":     func() bool { _, ok := open(p, nil, fromClient); return ok },
		"no tag":            func() bool { _, ok := open(seal(kindData, 5, 6, nil, nil, fromClient, 1), key, fromClient); return ok },
	} {
		if fault() {
			t.Errorf("%s is taken", name)
		}
	}
	for i := range p {
		q := bytes.Clone(p)
		q[i] ^= 0x10
		if _, ok := open(q, key, fromClient); ok {
			t.Errorf("a change of byte %d is not seen", i)
		}
	}
}
