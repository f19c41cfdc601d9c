package logs

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"fescue.dev/fescue/spec"
)

// appLog is the log of one application: its segments, oldest first, the last of
// which is written.
type appLog struct {
	app spec.Name
	dir string
	log *slog.Logger

	mu       sync.Mutex
	quota    int64
	segments []segment
	current  *os.File      // the last segment, open for writing; nil until needed
	changed  chan struct{} // closed at the next change; nil while nobody waits
	ended    bool          // deleted or closed: nothing is written any more
	trouble  trouble
}

// MinQuota is the least that a log can be held to.
const MinQuota spec.Bytes = 2 * minSegment

const (
	minSegment = 160 << 10 // a batch, see stream.go, goes into one segment
	maxSegment = 16 << 20
)

// segmentSize makes eight segments of a quota: dropping the oldest then loses an
// eighth of what is kept.
func (l *appLog) segmentSize() int64 { return min(max(l.quota/8, minSegment), maxSegment) }

func (l *appLog) setQuota(q spec.Bytes) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quota = int64(max(q, MinQuota))
	for l.total() > l.quota && len(l.segments) > 1 {
		l.dropOldest()
	}
}

// append writes records, all of one batch, into one segment. Trouble with the
// disk is kept and told, never returned: an application must not stop because
// its log cannot be written. The caller holds the lock.
func (l *appLog) append(records []byte, count int64) {
	if l.ended || count == 0 {
		return
	}
	if l.trouble.lost > 0 {
		note := l.trouble.note()
		if l.write(note, 1) != nil {
			l.trouble.add(records, count)
			return
		}
		l.trouble = trouble{}
	}
	if err := l.write(records, count); err != nil {
		if l.trouble.lost == 0 {
			l.log.Warn("a log cannot be written: lines are dropped", "application", l.app, "error", err)
		}
		l.trouble.reason = err
		l.trouble.add(records, count)
	}
}

// write makes room with the oldest segment when the disk is full, and tries once more.
func (l *appLog) write(records []byte, count int64) error {
	err := l.writeOnce(records, count)
	if full := errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT); full && len(l.segments) > 1 {
		l.dropOldest()
		err = l.writeOnce(records, count)
	}
	return err
}

func (l *appLog) writeOnce(records []byte, count int64) error {
	if err := l.rotate(int64(len(records))); err != nil {
		return err
	}
	last := &l.segments[len(l.segments)-1]
	if _, err := l.current.Write(records); err != nil {
		// Half a batch would be half a line: readers see whole records only.
		_ = l.current.Truncate(last.size)
		_, _ = l.current.Seek(last.size, io.SeekStart)
		return err
	}
	last.size += int64(len(records))
	last.records += count
	l.notify()
	return nil
}

// rotate makes sure that current is open and has room for more bytes.
func (l *appLog) rotate(more int64) error {
	n := len(l.segments)
	full := n > 0 && l.segments[n-1].size > 0 && l.segments[n-1].size+more > l.segmentSize()
	if n > 0 && !full {
		return l.open()
	}
	if l.current != nil {
		_ = l.current.Close() // nothing is buffered
		l.current = nil
	}
	l.segments = append(l.segments, l.following())
	for l.total()+l.segmentSize() > l.quota && len(l.segments) > 1 {
		l.dropOldest()
	}
	return l.open()
}

// open opens the last segment for writing.
func (l *appLog) open() error {
	if l.current != nil {
		return nil
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return err
	}
	last := l.segments[len(l.segments)-1]
	f, err := os.OpenFile(last.path(l.dir), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Seek(last.size, io.SeekStart); err != nil {
		_ = f.Close()
		return err
	}
	l.current = f
	return nil
}

// following is the segment after the last.
func (l *appLog) following() segment {
	if len(l.segments) == 0 {
		return segment{number: 1}
	}
	last := l.segments[len(l.segments)-1]
	return segment{number: last.number + 1, first: last.first + last.records}
}

func (l *appLog) dropOldest() {
	if err := os.Remove(l.segments[0].path(l.dir)); err != nil && !os.IsNotExist(err) {
		l.log.Warn("remove an old part of a log", "application", l.app, "error", err)
	}
	l.segments = append([]segment(nil), l.segments[1:]...)
}

func (l *appLog) total() (bytes int64) {
	for _, s := range l.segments {
		bytes += s.size
	}
	return bytes
}

// notify wakes the followers.
func (l *appLog) notify() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

func (l *appLog) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	if l.current != nil {
		_ = l.current.Close()
		l.current = nil
	}
	l.notify()
}

// trouble is what could not be written.
type trouble struct {
	lost   int64
	reason error
	recent []byte // the last records of them, for Tail: a crash is told with them
}

// keepRecent bounds what trouble keeps in memory.
const keepRecent = 16 << 10

func (t *trouble) add(records []byte, count int64) {
	t.lost += count
	t.recent = append(t.recent, records[max(0, len(records)-keepRecent):]...)
	if over := len(t.recent) - keepRecent; over > 0 {
		t.recent = append([]byte(nil), t.recent[over:]...)
	}
}

// note is the record that stands for the lost ones.
func (t *trouble) note() []byte {
	text := bytes.ReplaceAll([]byte(lostText(t.lost, t.reason)), []byte{'\n'}, []byte{' '})
	return appendRecord(nil, stamp(time.Now()), head("", spec.StreamEngine, "warning"), text, false, false)
}
