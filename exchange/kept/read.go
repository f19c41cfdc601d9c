package kept

import (
	"errors"
	"io"
	"os"

	"fescue.dev/fescue/exchange/disk"
)

// scan goes through the records from an offset to an end. next is the offset
// behind the record; the message is valid during the call.
func (s *segment) scan(offset, end int64, visit func(next int64, m Message, id string) bool) error {
	window := int(min(max(end-offset, 16), disk.Buffer))
	_, err := disk.Scan(io.NewSectionReader(s.reader(), offset, end-offset), offset, window, func(at int64, b []byte) bool {
		m, id := decode(b)
		return visit(at+disk.Overhead+int64(len(b)), m, id)
	})
	return err
}

// cursor is where a reader stands.
type cursor struct {
	next   uint64 // the number it wants next, or a higher one
	first  uint64 // of the segment in which it knows its offset; 0 none
	offset int64
}

// piece is a part of a segment to be read without the log's mu.
type piece struct {
	segment     segment // a copy
	offset, end int64
	last        uint64 // after which the cursor goes on
	more        bool   // there are segments behind
}

// piece finds what a cursor reads next; false if there is nothing yet.
func (l *Log) piece(c *cursor) (piece, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return piece{}, false
	}
	for n, s := range l.segments {
		last, more := l.synced, n+1 < len(l.segments)
		if more {
			last = l.segments[n+1].first - 1
		}
		if last < c.next {
			continue
		}
		if c.first != s.first {
			c.first, c.offset = s.first, s.near(c.next)
		}
		return piece{segment: *s, offset: c.offset, end: s.end, last: last, more: more}, c.offset < s.end || more
	}
	return piece{}, false
}

// How much a place reads ahead.
const (
	aheadMessages = 64
	aheadBytes    = 256 << 10
)

// read returns the next messages at or after the cursor that match, most at
// once; none if there are none yet.
func (l *Log) read(c *cursor, match func(topic string) bool, most int) (found []Message) {
	bytes := 0
	for {
		p, more := l.piece(c)
		if !more {
			return found
		}
		err := p.segment.scan(p.offset, p.end, func(next int64, m Message, _ string) bool {
			c.offset = next
			if m.Sequence < c.next {
				return true
			}
			c.next = m.Sequence + 1
			if l.young(m) && match(m.Topic) {
				m.Payload = append([]byte{}, m.Payload...)
				found = append(found, m)
				bytes += len(m.Payload)
			}
			return len(found) < most && bytes < aheadBytes
		})
		switch {
		case errors.Is(err, os.ErrClosed):
			continue // it was dropped meanwhile
		case err != nil:
			l.complain("kept messages cannot be read", "file", p.segment.path, "error", err)
			c.offset = p.end
		case c.offset < p.end:
			return found // enough
		}
		if !p.more {
			return found // the rest of the active segment has been seen
		}
		c.next = max(c.next, p.last+1)
		if len(found) > 0 {
			return found
		}
	}
}
