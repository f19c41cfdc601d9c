package packet

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// Line moves whole packets; they may be garbled or missing.
type Line interface {
	// ReadPacket gives the next packet; an error is the end of the line.
	ReadPacket() ([]byte, error)
	WritePacket(p []byte) error
	Close() error
}

// maxLine bounds what is kept of a packet or line whose end does not come.
const maxLine = 8192

// stream is the Line of a serial line: COBS packets that end with a zero, or
// lines of base64 behind a tilde. The client's packets tell which.
type stream struct {
	rw      io.ReadWriteCloser
	in      *bufio.Reader
	text    atomic.Bool
	console func(line string)
	write   sync.Mutex
}

// Stream makes a Line of a serial line, or of what stands for one in an emulator.
// What a board prints between text packets is given to console, which may be nil.
func Stream(rw io.ReadWriteCloser, console func(line string)) Line {
	if console == nil {
		console = func(string) {}
	}
	return &stream{rw: rw, in: bufio.NewReaderSize(rw, 4096), console: console}
}

// ReadPacket implements Line. A unit ends with a zero or a line feed, whichever
// the mode says; before it is known, with either.
func (s *stream) ReadPacket() ([]byte, error) {
	var unit []byte
	for {
		b, err := s.in.ReadByte()
		if err != nil {
			return nil, err
		}
		if b != 0 && (b != '\n' || !s.lineFeedEnds(unit)) {
			if len(unit) < maxLine {
				unit = append(unit, b)
			}
			continue
		}
		if p := s.unit(unit, b); p != nil {
			return p, nil
		}
		unit = unit[:0]
	}
}

// lineFeedEnds tells whether a line feed behind unit ends it: in text, always; in
// a binary packet it is a byte as any other.
func (s *stream) lineFeedEnds(unit []byte) bool {
	return s.text.Load() || isText(unit) || len(unit) > 0 && printable(unit)
}

func printable(unit []byte) bool {
	for _, b := range unit {
		if (b < ' ' && b != '\t' && b != '\r' && b != 0x1b) || b >= 0x7f {
			return false
		}
	}
	return true
}

func isText(unit []byte) bool {
	_, err := decodeText(unit)
	return err == nil
}

func decodeText(unit []byte) ([]byte, error) {
	unit = bytes.TrimSuffix(unit, []byte("\r"))
	if len(unit) < 2 || unit[0] != '~' {
		return nil, errors.New("not a packet")
	}
	return base64.RawStdEncoding.DecodeString(string(unit[1:]))
}

// unit is the packet that a unit holds, or nil.
func (s *stream) unit(unit []byte, end byte) []byte {
	if end == '\n' {
		if p, err := decodeText(unit); err == nil {
			s.text.Store(true)
			return p
		}
		if len(bytes.TrimSpace(unit)) > 0 {
			s.console(string(bytes.TrimRight(unit, "\r")))
		}
		return nil
	}
	p, ok := unstuff(unit)
	if !ok || len(p) == 0 {
		return nil
	}
	s.text.Store(false)
	return p
}

// WritePacket implements Line.
func (s *stream) WritePacket(p []byte) error {
	s.write.Lock()
	defer s.write.Unlock()
	var b []byte
	if s.text.Load() {
		b = append(append([]byte{'~'}, base64.RawStdEncoding.EncodeToString(p)...), '\n')
	} else {
		b = append(stuff(p), 0)
	}
	_, err := s.rw.Write(b)
	return err
}

// Close implements Line.
func (s *stream) Close() error { return s.rw.Close() }

// stuff codes p without zeros (COBS).
func stuff(p []byte) []byte {
	out := make([]byte, 0, len(p)+len(p)/254+2)
	for {
		n := bytes.IndexByte(p, 0)
		if n < 0 {
			n = len(p)
		}
		n = min(n, 254)
		out = append(append(out, byte(n+1)), p[:n]...)
		p = p[n:]
		if len(p) == 0 {
			return out
		}
		if n < 254 {
			p = p[1:]
		}
		if n == 254 {
			continue
		}
		if len(p) == 0 {
			return append(out, 1)
		}
	}
}

// unstuff is the inverse of stuff.
func unstuff(b []byte) ([]byte, bool) {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		n := int(b[0])
		if n == 0 || n > len(b) {
			return nil, false
		}
		out = append(out, b[1:n]...)
		b = b[n:]
		if n < 255 && len(b) > 0 {
			out = append(out, 0)
		}
	}
	return out, true
}
