package logs

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"fescue.dev/fescue/spec"
)

// MaxLine is the longest line in bytes. A longer one is kept in pieces: each but
// the last ends with CutMark, each but the first begins with it.
const MaxLine = 64 << 10

// CutMark is put where a line was cut.
const CutMark = "…"

// maxRecord bounds a record: head, marks, and the line, which making it safe can
// double.
const maxRecord = 2*MaxLine + 2*len(CutMark) + maxHead

// maxHead bounds what stands before the text: time, version, stream and level.
const maxHead = 160

const timeForm = "2006-01-02T15:04:05.000000Z"

// head is what stands before the text of a record, behind its time.
func head(version spec.Version, stream spec.Stream, level string) string {
	v := string(version)
	if v == "" {
		v = "-"
	}
	h := " " + clip(v, 64) + " " + clip(string(stream), 24)
	if level != "" {
		h += ":" + clip(level, 24)
	}
	return h + " "
}

// clip makes s safe as a field of a head: short, without blanks or line ends.
func clip(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r == utf8.RuneError || r == 0x7f {
			return '_'
		}
		return r
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// appendRecord appends one record. stamp is its time in timeForm.
func appendRecord(dst, stamp []byte, head string, text []byte, before, after bool) []byte {
	dst = append(dst, stamp...)
	dst = append(dst, head...)
	if before {
		dst = append(dst, CutMark...)
	}
	dst = appendSafe(dst, text)
	if after {
		dst = append(dst, CutMark...)
	}
	return append(dst, '\n')
}

// appendSafe appends text as UTF-8 without NUL, which would make the file binary to
// grep. Each run of bytes that are neither becomes one U+FFFD, so that text at
// most doubles.
func appendSafe(dst, text []byte) []byte {
	if utf8.Valid(text) && bytes.IndexByte(text, 0) < 0 {
		return append(dst, text...)
	}
	const neverValid = 0xff
	text = bytes.ReplaceAll(text, []byte{0}, []byte{neverValid})
	return append(dst, bytes.ToValidUTF8(text, []byte("\uFFFD"))...)
}

// cutAt is where to cut a line longer than MaxLine: there, or before the
// character that stands across.
func cutAt(line []byte) int {
	n := MaxLine
	for n > MaxLine-utf8.UTFMax && !utf8.RuneStart(line[n]) {
		n--
	}
	return n
}

// parse reads a record without its line end; false when it is none, as after a
// power cut.
func parse(app spec.Name, record []byte) (spec.LogLine, bool) {
	stamp, rest, ok1 := bytes.Cut(record, []byte{' '})
	version, rest, ok2 := bytes.Cut(rest, []byte{' '})
	stream, text, ok3 := bytes.Cut(rest, []byte{' '})
	if !ok1 || !ok2 || !ok3 || len(stamp) != len(timeForm) {
		return spec.LogLine{}, false
	}
	at, err := time.Parse(timeForm, string(stamp))
	if err != nil {
		return spec.LogLine{}, false
	}
	line := spec.LogLine{Time: at, Application: app, Text: string(text)}
	if string(version) != "-" {
		line.Version = spec.Version(version)
	}
	name, level, _ := strings.Cut(string(stream), ":")
	line.Stream, line.Level = spec.Stream(name), level
	return line, true
}
