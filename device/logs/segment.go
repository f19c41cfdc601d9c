package logs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// segment is one file of a log.
type segment struct {
	number  int
	size    int64 // bytes of whole records
	first   int64 // number of its first record in the log
	records int64
}

const segmentSuffix = ".log"

func (s segment) path(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("%08d%s", s.number, segmentSuffix))
}

// load finds the segments that are there. It happens before anybody else knows
// the log.
func (l *appLog) load() {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		if !os.IsNotExist(err) {
			l.log.Warn("read a log's directory", "application", l.app, "error", err)
		}
		return
	}
	first := int64(0)
	for _, e := range entries { // sorted by name, which is by number
		number, ours := segmentNumber(e.Name())
		if !ours {
			continue
		}
		s := segment{number: number, first: first}
		if s.size, s.records, err = measure(s.path(l.dir)); err != nil {
			l.log.Warn("read a log", "application", l.app, "error", err)
			continue
		}
		first += s.records
		l.segments = append(l.segments, s)
	}
	if n := len(l.segments); n > 0 {
		// A record that a killed agent wrote half is overwritten by the next one.
		last := l.segments[n-1]
		if err := os.Truncate(last.path(l.dir), last.size); err != nil {
			l.log.Warn("repair a log", "application", l.app, "error", err)
		}
	}
}

func segmentNumber(name string) (int, bool) {
	digits, ours := strings.CutSuffix(name, segmentSuffix)
	n, err := strconv.Atoi(digits)
	return n, ours && err == nil && n > 0
}

// measure counts whole records and their bytes.
func measure(path string) (size, records int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	buffer, read := make([]byte, 128<<10), int64(0)
	for {
		n, err := f.Read(buffer)
		if end := bytes.LastIndexByte(buffer[:n], '\n'); end >= 0 {
			size = read + int64(end) + 1
			records += int64(bytes.Count(buffer[:n], []byte{'\n'}))
		}
		read += int64(n)
		if err == io.EOF {
			return size, records, nil
		}
		if err != nil {
			return 0, 0, err
		}
	}
}
