package kept

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"fescue.dev/fescue/exchange/disk"
	"fescue.dev/fescue/internal/durable"
)

const (
	segmentSuffix = ".log"
	markEvery     = 64 << 10 // bytes between two marks
)

// segment is one file of a log. Its fields are under the log's mu.
type segment struct {
	path   string
	first  uint64       // its messages' numbers begin here
	writer *disk.Writer // of one that was begun since the start
	file   *os.File     // of an older one
	end    int64        // bytes of whole, synced records
	newest time.Time    // of its messages' times
	last   time.Time    // when its youngest message came, as ages.now tells time
	marks  []mark       // found so far
}

// mark says where a message lies, for finding others near it.
type mark struct {
	sequence uint64
	offset   int64
}

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentSuffix))
}

// load finds the files that are there and opens the last one for writing.
func (l *Log) load() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	var firsts []uint64
	for _, e := range entries {
		number, isSegment := strings.CutSuffix(e.Name(), segmentSuffix)
		if first, err := strconv.ParseUint(number, 10, 64); isSegment && err == nil {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	if len(firsts) == 0 {
		return l.begin(1)
	}
	for _, first := range firsts[:len(firsts)-1] {
		s, err := openOld(segmentPath(l.dir, first), first)
		if err != nil {
			return err
		}
		l.segments = append(l.segments, s)
	}
	if err := l.begin(firsts[len(firsts)-1]); err != nil {
		return err
	}
	l.recallIDs()
	l.synced, l.boot, l.ages.boot = l.sequence, l.sequence, l.sequence
	for _, s := range l.segments {
		if s.last = s.newest; s.last.After(l.ages.wall) {
			s.last = l.ages.wall // the clock was set back since
		}
	}
	return nil
}

// openOld opens a segment that is not written to. Its file's time is that of its
// newest message: see roll.
func openOld(path string, first uint64) (*segment, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &segment{path: path, first: first, file: f, end: info.Size(), newest: info.ModTime()}, nil
}

// begin opens the file that is written to.
func (l *Log) begin(first uint64) error {
	s := &segment{path: segmentPath(l.dir, first), first: first}
	l.sequence = max(l.sequence, first-1)
	var err error
	s.writer, err = disk.Open(s.path, func(offset int64, b []byte) bool {
		m, id := decode(b)
		s.add(m, offset, len(b))
		l.sequence = max(l.sequence, m.Sequence)
		l.ids.recall(id, m.Time)
		return true
	})
	if err != nil {
		return err
	}
	if err := durable.SyncDir(l.dir); err != nil {
		return errors.Join(err, s.writer.Close()) // else a power cut could take the file
	}
	s.end = s.writer.Size()
	l.segments = append(l.segments, s)
	return nil
}

// add accounts a record. mu is held, or nobody else there.
func (s *segment) add(m Message, offset int64, length int) {
	if n := len(s.marks); n == 0 || offset-s.marks[n-1].offset >= markEvery {
		s.marks = append(s.marks, mark{m.Sequence, offset})
	}
	s.end = offset + disk.Overhead + int64(length)
	if m.Time.After(s.newest) {
		s.newest = m.Time
	}
}

// near is the offset of a record at or before the one with this number.
func (s *segment) near(sequence uint64) int64 {
	i, exact := slices.BinarySearchFunc(s.marks, sequence, func(m mark, n uint64) int {
		switch {
		case m.sequence < n:
			return -1
		case m.sequence > n:
			return 1
		}
		return 0
	})
	if exact {
		return s.marks[i].offset
	}
	if i > 0 {
		return s.marks[i-1].offset
	}
	return 0
}

func (s *segment) reader() io.ReaderAt {
	if s.writer != nil {
		return s.writer
	}
	return s.file
}

func (s *segment) close() error {
	if s.writer != nil {
		return s.writer.Close()
	}
	return s.file.Close()
}

// active is the segment that is written to. mu is held.
func (l *Log) active() *segment { return l.segments[len(l.segments)-1] }

func (l *Log) segmentBytes() int64 { return min(max(l.opt.MaxBytes/8, 32<<10), 8<<20) }

// roll ends the active segment and begins another. mu is held, and given up
// while the disk is waited for; appending waits meanwhile.
func (l *Log) roll() error {
	l.rolling = true
	s := l.active()
	l.mu.Unlock()
	s.writer.Flush() // its callbacks take mu
	l.mu.Lock()
	// A clock that was set back has given the file an earlier time than messages in it have.
	if err := os.Chtimes(s.path, s.newest, s.newest); err != nil && !notThere(err) {
		l.complain("cannot set the time of a file of kept messages", "file", s.path, "error", err)
	}
	defer func() {
		l.rolling = false
		l.rolled.Broadcast()
	}()
	if l.closed {
		return errClosed()
	}
	return l.begin(l.sequence + 1)
}
