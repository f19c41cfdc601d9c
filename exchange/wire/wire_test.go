package wire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"fescue.dev/fescue/exchange/wire"
)

// TestReaderAtAnyCut reads one stream of frames through readers that return
// pieces of every size, and expects the same frames.
func TestReaderAtAnyCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		bodies := rapid.SliceOfN(rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 300),
			rapid.Custom(func(t *rapid.T) []byte { return make([]byte, rapid.IntRange(0, 200_000).Draw(t, "size")) }),
		), 1, 20).Draw(t, "bodies")
		for i, b := range bodies {
			stream = wire.AppendPublish(stream, uint32(i+1), b)
		}
		chunk := rapid.IntRange(1, 100_000).Draw(t, "chunk")
		r := wire.NewReader(&chunked{stream, chunk}, 150_000)
		for i, want := range bodies {
			f, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if f.ID != uint32(i+1) || f.Length != len(want) || f.Skip != (len(want) > 150_000) {
				t.Fatalf("frame %d: id %d, length %d of %d, skip %v", i, f.ID, f.Length, len(want), f.Skip)
			}
			if !f.Skip && !bytes.Equal(f.Body, want) {
				t.Fatalf("frame %d differs", i)
			}
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("after the last frame: %v", err)
		}
	})
}

type chunked struct {
	b []byte
	n int
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.b[:min(c.n, len(c.b))])
	c.b = c.b[n:]
	return n, nil
}

func TestReaderEndsInsideAFrame(t *testing.T) {
	frame := wire.AppendPublish(nil, 1, []byte("hello"))
	for cut := 1; cut < len(frame); cut++ {
		r := wire.NewReader(iotest.OneByteReader(bytes.NewReader(frame[:cut])), 1024)
		if _, err := r.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

// TestNoAllocation holds the promise of the package comment.
func TestNoAllocation(t *testing.T) {
	var stream []byte
	for _, c := range append(validCases(), messageCases()...) {
		stream = append(stream, c.frame...)
	}
	buf := wire.NewBuffer(wire.DefaultBody)
	feed := func() {
		for rest := stream; len(rest) > 0; {
			n := copy(buf.Space(0), rest)
			buf.Filled(n)
			rest = rest[n:]
			for {
				f, ok := buf.Next()
				if !ok {
					break
				}
				if wire.CheckClient(f) != nil {
					_ = f.Type.FromBroker()
				}
			}
		}
	}
	broker := 0
	for _, c := range append(validCases(), messageCases()...) {
		if c.broker {
			broker++ // CheckClient refuses them, and an error is allowed its memory
		}
	}
	feed()
	if n := testing.AllocsPerRun(100, feed); n > float64(2*broker) {
		t.Errorf("%v allocations for reading a stream, want at most %d (the errors)", n, 2*broker)
	}
	out := make([]byte, 0, 4096)
	payload := make([]byte, 128)
	if n := testing.AllocsPerRun(100, func() { out = wire.AppendMessage(out[:0], 1, "a/b", payload) }); n > 0 {
		t.Errorf("%v allocations for a message", n)
	}
}

// TestBufferGivesBack shows that one large frame does not keep its memory for ever.
func TestBufferGivesBack(t *testing.T) {
	b := wire.NewBuffer(wire.DefaultBody)
	feed := func(frame []byte) {
		for rest := frame; len(rest) > 0; {
			n := copy(b.Space(0), rest)
			b.Filled(n)
			rest = rest[n:]
			for _, ok := b.Next(); ok; _, ok = b.Next() {
			}
		}
	}
	feed(wire.AppendPublish(nil, 1, make([]byte, wire.DefaultBody)))
	if n := len(b.Space(0)); n < wire.DefaultBody {
		t.Fatalf("buffer of %d bytes for a frame of 1 MiB", n)
	}
	for range 300 {
		feed(wire.AppendPublish(nil, 1, []byte("small")))
	}
	if n := len(b.Space(0)); n > 64<<10 {
		t.Errorf("still %d bytes", n)
	}
}

// FuzzBuffer feeds arbitrary bytes in two pieces: no panic, no view outside of
// what was fed, and every frame accounted for by its header.
func FuzzBuffer(f *testing.F) {
	for _, c := range append(validCases(), invalidCases()...) {
		f.Add(c.frame, 5)
	}
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		cut = max(0, min(cut, len(data)))
		b := wire.NewBuffer(2048)
		total := 0
		for _, piece := range [][]byte{data[:cut], data[cut:]} {
			for len(piece) > 0 {
				n := copy(b.Space(0), piece)
				b.Filled(n)
				piece = piece[n:]
				for {
					frame, ok := b.Next()
					if !ok {
						break
					}
					total += wire.HeaderSize + frame.Length
					if !frame.Skip && len(frame.Body) != frame.Length {
						t.Fatalf("body of %d bytes, length %d", len(frame.Body), frame.Length)
					}
					exercise(frame)
				}
			}
		}
		if total > len(data) && !b.Partial() {
			t.Fatalf("%d bytes of frames out of %d", total, len(data))
		}
	})
}

// exercise reads a frame as every type in turn; what the checks accept must be
// re-made byte for byte where the fields say everything.
func exercise(f wire.Frame) {
	_ = wire.CheckClient(f)
	_ = wire.CheckBroker(f)
	if i, err := f.Invoke(); err == nil {
		for k, v := range i.Attributes() {
			_, _ = k, v
		}
	}
}

// FuzzRoundTrip: a topical frame that is accepted is re-made byte for byte.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint32(1), []byte("\x01\x00a..."))
	f.Fuzz(func(t *testing.T, id uint32, body []byte) {
		if len(body) > wire.MaxLength {
			t.Skip()
		}
		frame := wire.Frame{Type: wire.PublishTo, ID: id, Length: len(body), Body: body}
		b, err := frame.Topical()
		if err != nil {
			return
		}
		want := wire.AppendPlain(nil, wire.PublishTo, id, body)
		if have := wire.AppendPublishTo(nil, id, b.Topic, b.Payload); !bytes.Equal(want, have) {
			t.Fatalf("%x became %x", want, have)
		}
	})
}
