package exchange

import (
	"encoding/binary"
	"sync"

	"fescue.dev/fescue/exchange/wire"
)

// segment is a piece of a session's queue: whole frames one after the other.
type segment struct {
	b []byte
	// off is where the next byte to send stands; edge the first beginning of a
	// frame from there on. They differ while a frame is sent in part.
	off, edge int
	class     int // of the pool it came from; -1 none
}

// frameAt reads type, id and whole size of the frame that begins at i.
func (s *segment) frameAt(i int) (wire.Type, uint32, int) {
	h := binary.LittleEndian.Uint32(s.b[i:])
	return wire.Type(h >> 24), binary.LittleEndian.Uint32(s.b[i+4:]), wire.HeaderSize + int(h&wire.MaxLength)
}

// segmentClasses are the capacities that are used again. Each has room for a
// frame whose payload is a power of two, and its topic.
const slack = 2 << 10

var segmentClasses = [...]int{64<<10 + slack, 256<<10 + slack, 1<<20 + slack}

// segments lends memory to queues: none of it belongs to a session at rest.
type segments struct {
	pools [len(segmentClasses)]sync.Pool
}

// get returns an empty segment with room for n bytes.
func (p *segments) get(n int) *segment {
	for class, capacity := range segmentClasses {
		if n > capacity {
			continue
		}
		if s, ok := p.pools[class].Get().(*segment); ok {
			return s
		}
		return &segment{b: make([]byte, 0, capacity), class: class}
	}
	return &segment{b: make([]byte, 0, n), class: -1}
}

func (p *segments) put(s *segment) {
	if s.class < 0 {
		return
	}
	s.b, s.off, s.edge = s.b[:0], 0, 0
	p.pools[s.class].Put(s)
}
