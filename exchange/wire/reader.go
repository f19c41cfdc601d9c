package wire

import (
	"errors"
	"io"
)

const (
	smallBuffer  = 4 << 10  // what a session that says little holds
	normalBuffer = 64 << 10 // what a busy one reads into
	// patience is how many fills in a row must get by with a normal buffer
	// before one that grew for a large frame is given back.
	patience = 256
)

// Buffer finds frames in a stream that somebody else reads: fill what [Buffer.Space]
// returns, say how much with [Buffer.Filled], then take frames with
// [Buffer.Next] until there are none. It begins with 4 KiB, takes 64 KiB when
// reads fill it, and more only while a larger frame is on its way.
type Buffer struct {
	buf     []byte
	r, w    int
	max     int // largest body accepted
	skip    int // bytes of an oversize body still to come
	need    int // bytes of the frame that is on its way, header included; 0 unknown
	full    bool
	easy    int // fills in a row that needed no more than a normal buffer
	largest int // frames seen since the last fill needed at most this much
}

// NewBuffer makes a Buffer that accepts bodies of at most max bytes.
func NewBuffer(max int) *Buffer {
	return &Buffer{max: min(max, MaxLength)}
}

// Space returns where to read to, at least atLeast bytes. Views from Next end.
func (b *Buffer) Space(atLeast int) []byte {
	if b.r == b.w {
		b.r, b.w = 0, 0
	}
	want := max(b.need, b.w-b.r+max(atLeast, 512), smallBuffer)
	if b.full {
		want = max(want, min(4*len(b.buf), normalBuffer))
	}
	if b.need > normalBuffer || b.largest > normalBuffer {
		b.easy = 0
	} else {
		b.easy++
	}
	switch {
	case want > len(b.buf), len(b.buf) > normalBuffer && b.easy > patience && want <= normalBuffer:
		b.move(max(want, min(len(b.buf), normalBuffer)))
	case len(b.buf)-b.w < max(atLeast, len(b.buf)/2) || b.need > len(b.buf)-b.r:
		b.w = copy(b.buf, b.buf[b.r:b.w])
		b.r = 0
	}
	b.largest = 0
	return b.buf[b.w:]
}

func (b *Buffer) move(size int) {
	fresh := make([]byte, size)
	b.w = copy(fresh, b.buf[b.r:b.w])
	b.r, b.buf = 0, fresh
}

// Filled says that n bytes of the last Space were read.
func (b *Buffer) Filled(n int) {
	b.full = n == len(b.buf)-b.w
	b.w += n
}

// Next returns the next frame, or false if it has not arrived as a whole.
func (b *Buffer) Next() (Frame, bool) {
	if b.skip > 0 {
		n := min(b.skip, b.w-b.r)
		b.r += n
		if b.skip -= n; b.skip > 0 {
			return Frame{}, false
		}
	}
	p := b.buf[b.r:b.w]
	if len(p) < HeaderSize {
		b.need = 0
		return Frame{}, false
	}
	h := le.Uint32(p)
	n := int(h & MaxLength)
	f := Frame{Type: Type(h >> 24), ID: le.Uint32(p[4:]), Length: n}
	if n > b.max {
		f.Skip, b.skip, b.need = true, n, 0
		b.r += HeaderSize
		return f, true
	}
	end := HeaderSize + n
	if len(p) < end {
		b.need = end
		return Frame{}, false
	}
	f.Body = p[HeaderSize:end:end]
	b.r += end
	b.need = 0
	b.largest = max(b.largest, end)
	return f, true
}

// Partial tells whether a part of a frame has arrived.
func (b *Buffer) Partial() bool { return b.r != b.w || b.skip > 0 }

// Reader finds the frames in what it reads from an [io.Reader].
type Reader struct {
	src io.Reader
	buf *Buffer
	err error
}

// NewReader makes a Reader that accepts bodies of at most max bytes.
func NewReader(src io.Reader, max int) *Reader {
	return &Reader{src: src, buf: NewBuffer(max)}
}

// Next returns the next frame; its body is valid until the next call. At the
// end of the stream the error is [io.EOF], or [io.ErrUnexpectedEOF] inside a
// frame.
func (r *Reader) Next() (Frame, error) {
	for {
		if f, ok := r.buf.Next(); ok {
			return f, nil
		}
		if r.err != nil {
			if errors.Is(r.err, io.EOF) && r.buf.Partial() {
				return Frame{}, io.ErrUnexpectedEOF
			}
			return Frame{}, r.err
		}
		var n int
		n, r.err = r.src.Read(r.buf.Space(0))
		r.buf.Filled(n)
	}
}

// Buffered tells whether a whole frame is there to be had without reading.
func (r *Reader) Buffered() bool {
	b := *r.buf
	_, ok := b.Next()
	return ok
}
