package logs

import (
	"bytes"
	"os"
	"slices"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Read gives an application's last n lines, oldest first; all that are kept when n is
// negative. Lines before since, and from until on where that is not zero, are left out. An
// application without a log has no lines.
func (s *Store) Read(app spec.Name, n int, since, until time.Time) ([]spec.LogLine, error) {
	lines, err := s.of(app).last(n, func(l spec.LogLine) bool {
		return !l.Time.Before(since) && (until.IsZero() || l.Time.Before(until))
	})
	return lines, fail.Wrap(err, fail.Internal, "read log", string(app))
}

// Tail gives the last n lines of the writer's version, oldest first, with those that
// the disk did not take: they go with the report of a failure. It is best effort: what cannot
// be read is left out.
func (w *Writer) Tail(n int) []spec.LogLine {
	mine := func(l spec.LogLine) bool { return l.Version == w.version }
	lines, err := w.log.last(n, mine)
	if err != nil {
		w.log.log.Warn("read the last lines of a log", "application", w.log.app, "error", err)
	}
	for record := range bytes.Lines(w.log.unwritten()) {
		if l, ok := parse(w.log.app, bytes.TrimSuffix(record, []byte{'\n'})); ok && mine(l) {
			lines = append(lines, l)
		}
	}
	return lines[max(0, len(lines)-max(n, 0)):]
}

func (l *appLog) unwritten() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.trouble.recent)
}

func (l *appLog) snapshot() []segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.segments)
}

// last reads backwards until it has n lines that are wanted, without holding
// the lock: segments only grow.
func (l *appLog) last(n int, wanted func(spec.LogLine) bool) ([]spec.LogLine, error) {
	var lines []spec.LogLine
	segments := l.snapshot()
	for i := len(segments) - 1; i >= 0 && (n < 0 || len(lines) < n); i-- {
		data, err := l.contents(segments[i], 0, segments[i].size)
		if err != nil {
			return nil, err
		}
		for record := range backward(data) {
			if line, ok := parse(l.app, record); ok && wanted(line) {
				if lines = append(lines, line); len(lines) == n {
					break
				}
			}
		}
	}
	slices.Reverse(lines)
	return lines, nil
}

// contents reads bytes of a segment. One that was rotated away is empty.
func (l *appLog) contents(s segment, from, to int64) ([]byte, error) {
	f, err := os.Open(s.path(l.dir))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, to-from)
	if _, err := f.ReadAt(data, from); err != nil {
		return nil, err
	}
	return data, nil
}

// backward iterates over records, the last first, without their line ends.
func backward(data []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		data = bytes.TrimSuffix(data, []byte{'\n'})
		for len(data) > 0 {
			start := bytes.LastIndexByte(data, '\n') + 1
			if !yield(data[start:]) {
				return
			}
			data = data[:max(start-1, 0)]
		}
	}
}
