package logs

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"fescue.dev/fescue/spec"
)

// Writer writes the log of one version of an application. It is safe for
// concurrent use, also beside the writer of another version.
type Writer struct {
	store   *Store
	log     *appLog
	version spec.Version
}

// Writer gives a version of an application its log. quota bounds the log of the whole
// application, all versions, in bytes on disk; 0 is [spec.DefaultLogs], and it is at least [MinQuota].
func (s *Store) Writer(app spec.Name, version spec.Version, quota spec.Bytes) *Writer {
	if quota <= 0 {
		quota = spec.DefaultLogs
	}
	l := s.of(app)
	l.setQuota(quota)
	return &Writer{store: s, log: l, version: version}
}

// Stream splits what is written to it into lines of the stream. Close it when
// its source has ended: an unfinished line is kept until then. Each source needs a stream
// of its own.
func (w *Writer) Stream(stream spec.Stream) *Stream {
	return &Stream{writer: w, head: head(w.version, stream, "")}
}

// Log writes what the application said through its SDK; level is "debug",
// "info", "warning" or "error". Each line of text is a record.
func (w *Writer) Log(level, text string) { w.text(spec.StreamLog, level, text) }

// Note writes what the agent has to say about the application.
func (w *Writer) Note(level, text string) { w.text(spec.StreamEngine, level, text) }

func (w *Writer) text(stream spec.Stream, level, text string) {
	s := Stream{writer: w, head: head(w.version, stream, level)}
	_, _ = s.Write([]byte(strings.TrimSuffix(text, "\n") + "\n"))
}

// Stream is one source of lines: a process's standard output, say.
type Stream struct {
	writer *Writer
	head   string

	mu      sync.Mutex
	partial []byte // the line that has not ended
	cut     bool   // pieces of it are written already
}

// batch is records on their way to a segment.
type batch struct {
	stamp   []byte
	records []byte
	count   int64
}

// largestBatch bounds a batch to what fits into the smallest segment.
const largestBatch = minSegment

// keepPartial is how large a buffer an idle stream holds on to.
const keepPartial = 4 << 10

// Write takes bytes as they come. It never fails and returns len(p): trouble with
// the disk is told in the log itself once it can be written again. All lines of one Write
// bear the time of its beginning.
func (s *Stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.begin()
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte{'\n'})
		if !ended {
			s.hold(b, line)
			break
		}
		if len(s.partial) > 0 {
			s.hold(b, line)
			line = s.partial
		}
		s.record(b, line)
		s.partial = s.partial[:0]
		rest = after
	}
	s.finish(b)
	return len(p), nil
}

// Close writes the line that has not ended, if there is one.
func (s *Stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.partial) == 0 {
		return nil
	}
	b := s.begin()
	s.record(b, s.partial)
	s.partial = nil
	s.finish(b)
	return nil
}

// begin locks the log: its records are in the order of their times.
func (s *Stream) begin() *batch {
	b := s.writer.store.buffers.Get().(*batch)
	s.writer.log.mu.Lock()
	b.stamp = time.Now().UTC().AppendFormat(b.stamp[:0], timeForm)
	return b
}

func (s *Stream) finish(b *batch) {
	s.flush(b)
	s.writer.log.mu.Unlock()
	s.writer.store.buffers.Put(b)
	if len(s.partial) == 0 && cap(s.partial) > keepPartial {
		s.partial = nil
	}
}

// hold adds to the unfinished line; what is over MaxLine of it is written.
func (s *Stream) hold(b *batch, p []byte) {
	for len(p) > 0 {
		n := min(len(p), MaxLine)
		s.partial = append(s.partial, p[:n]...)
		p = p[n:]
		if len(s.partial) > MaxLine {
			rest := s.pieces(b, s.partial)
			s.partial = s.partial[:copy(s.partial, rest)]
		}
	}
}

// record writes a line, in pieces where it is too long.
func (s *Stream) record(b *batch, line []byte) {
	line = s.pieces(b, line)
	s.add(b, bytes.TrimSuffix(line, []byte{'\r'}), false)
	s.cut = false
}

// pieces writes all of a line but its last piece, which it returns.
func (s *Stream) pieces(b *batch, line []byte) []byte {
	for len(line) > MaxLine {
		n := cutAt(line)
		s.add(b, line[:n], true)
		s.cut = true
		line = line[n:]
	}
	return line
}

func (s *Stream) add(b *batch, text []byte, more bool) {
	if len(b.records)+2*len(text)+maxRecord-2*MaxLine > largestBatch {
		s.flush(b)
	}
	b.records = appendRecord(b.records, b.stamp, s.head, text, s.cut, more)
	b.count++
}

func (s *Stream) flush(b *batch) {
	s.writer.log.append(b.records, b.count)
	b.records, b.count = b.records[:0], 0
}

func stamp(t time.Time) []byte { return t.UTC().AppendFormat(nil, timeForm) }

func lostText(n int64, reason error) string {
	return fmt.Sprintf("%d lines were lost here: the log could not be written: %v", n, reason)
}
