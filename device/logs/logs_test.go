package logs

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"fescue.dev/fescue/spec"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("LOGS_TEST_CHILD"); dir != "" {
		writeForEver(dir)
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB) *Store {
	t.Helper()
	s := Open(t.TempDir(), slog.New(slog.DiscardHandler))
	t.Cleanup(s.Close)
	return s
}

func texts(lines []spec.LogLine) []string {
	var out []string
	for _, l := range lines {
		out = append(out, l.Text)
	}
	return out
}

func read(t testing.TB, s *Store, app spec.Name) []string {
	t.Helper()
	lines, err := s.Read(app, -1, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return texts(lines)
}

func TestLineKeepsTimeStreamVersionAndLevel(t *testing.T) {
	s := open(t)
	w := s.Writer("hello", "1.0.0", 0)
	before := time.Now().UTC().Truncate(time.Microsecond)
	fmt.Fprintf(w.Stream(spec.StreamErr), "to stderr\n")
	w.Log("warning", "through the SDK\nsecond line")
	w.Note("info", "it ended")

	lines, err := s.Read("hello", -1, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		if lines[i].Time.Before(before) || lines[i].Time.After(time.Now()) || lines[i].Time.Location() != time.UTC {
			t.Errorf("time %v", lines[i].Time)
		}
		lines[i].Time = time.Time{}
	}
	want := []spec.LogLine{
		{Application: "hello", Version: "1.0.0", Stream: spec.StreamErr, Text: "to stderr"},
		{Application: "hello", Version: "1.0.0", Stream: spec.StreamLog, Level: "warning", Text: "through the SDK"},
		{Application: "hello", Version: "1.0.0", Stream: spec.StreamLog, Level: "warning", Text: "second line"},
		{Application: "hello", Version: "1.0.0", Stream: spec.StreamEngine, Level: "info", Text: "it ended"},
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
	data, err := os.ReadFile(filepath.Join(s.dir, "hello", "00000001.log"))
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(string(data), "\n"); !strings.HasSuffix(first, "Z 1.0.0 stderr to stderr") {
		t.Errorf("the file's first line is %q", first)
	}
}

func TestSplitting(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	for _, c := range []struct {
		name   string
		writes []string
		want   []string
	}{
		{"parts of a line", []string{"he", "llo\nwor", "ld\n"}, []string{"hello", "world"}},
		{"unfinished line at the end", []string{"a\nb"}, []string{"a", "b"}},
		{"empty lines", []string{"\n\na\n"}, []string{"", "", "a"}},
		{"carriage return", []string{"a\r\nb\rc\n"}, []string{"a", "b\rc"}},
		{"longest line", []string{long + "\n"}, []string{long}},
		{"too long", []string{long + "yz\n"}, []string{long + CutMark, CutMark + "yz"}},
		{"too long, in parts", []string{long, "y", "z\nnext\n"}, []string{long + CutMark, CutMark + "yz", "next"}},
		{"far too long, unfinished", []string{long + long + "z"}, []string{long + CutMark, CutMark + long + CutMark, CutMark + "z"}},
		{"cut before a character", []string{long[1:] + "é\n"}, []string{long[1:] + CutMark, CutMark + "é"}},
		{"not UTF-8", []string{"a\xff\xfeb\n", "\xc3\n"}, []string{"a\uFFFDb", "\uFFFD"}},
		{"NUL", []string{"a\x00b\n"}, []string{"a\uFFFDb"}},
		{"character in two writes", []string{"a\xc3", "\xa9\n"}, []string{"aé"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			w := s.Writer("app", "1.0.0", 4<<20).Stream(spec.StreamOut)
			for _, p := range c.writes {
				if n, err := io.WriteString(w, p); n != len(p) || err != nil {
					t.Fatal(n, err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, read(t, s, "app")); d != "" {
				t.Error(d)
			}
		})
	}
}

// However the bytes are cut into writes, the same lines are kept.
func TestSplittingProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			r.Fatal(err)
		}
		s := Open(dir, slog.New(slog.DiscardHandler))
		defer s.Close()
		lines := rapid.SliceOf(rapid.StringMatching(`[a-zé ]{0,40}`)).Draw(r, "lines")
		data := []byte(strings.Join(append(lines, ""), "\n"))
		w := s.Writer("app", "1.0.0", 0).Stream(spec.StreamOut)
		for len(data) > 0 {
			n := rapid.IntRange(1, len(data)).Draw(r, "n")
			_, _ = w.Write(data[:n])
			data = data[n:]
		}
		got, err := s.Read("app", -1, time.Time{}, time.Time{})
		if err != nil {
			r.Fatal(err)
		}
		if d := cmp.Diff(append([]string(nil), lines...), texts(got)); d != "" && len(lines) > 0 {
			r.Fatal(d)
		}
	})
}

func FuzzStream(f *testing.F) {
	f.Add([]byte("a\nb\x00\xff\n"), 1)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		s := open(t)
		w := s.Writer("app", "1.0.0", 0).Stream(spec.StreamOut)
		cut = min(max(cut, 0), len(data))
		_, _ = w.Write(data[:cut])
		_, _ = w.Write(data[cut:])
		_ = w.Close()
		want := bytes.Count(data, []byte{'\n'})
		if len(data) > 0 && data[len(data)-1] != '\n' {
			want++
		}
		got := read(t, s, "app")
		if len(data) < MaxLine && len(got) != want {
			t.Fatalf("%d lines became %d", want, len(got))
		}
		for _, l := range got {
			if !utf8.ValidString(l) || strings.ContainsAny(l, "\n\x00") || len(l) > 2*MaxLine+2*len(CutMark) {
				t.Fatalf("unsafe line %q", l)
			}
		}
	})
}

func TestReadLastAndSince(t *testing.T) {
	s := open(t)
	w := s.Writer("app", "1.0.0", 0).Stream(spec.StreamOut)
	fmt.Fprint(w, "1\n2\n3\n")
	lines, err := s.Read("app", 2, time.Time{}, time.Time{})
	if err != nil || cmp.Diff([]string{"2", "3"}, texts(lines)) != "" {
		t.Fatal(texts(lines), err)
	}
	since := lines[1].Time.Add(time.Microsecond)
	for time.Now().UTC().Truncate(time.Microsecond).Before(since) {
	}
	fmt.Fprint(w, "4\n")
	if lines, err = s.Read("app", -1, since, time.Time{}); err != nil || cmp.Diff([]string{"4"}, texts(lines)) != "" {
		t.Fatal(texts(lines), err)
	}
	if lines, err = s.Read("app", 0, time.Time{}, time.Time{}); err != nil || len(lines) != 0 {
		t.Fatal(lines, err)
	}
	if lines, err = s.Read("unknown", -1, time.Time{}, time.Time{}); err != nil || len(lines) != 0 {
		t.Fatal(lines, err)
	}
}

func TestTailIsOfTheVersion(t *testing.T) {
	s := open(t)
	fmt.Fprint(s.Writer("app", "1.0.0", 0).Stream(spec.StreamOut), "old\n")
	w := s.Writer("app", "2.0.0", 0)
	fmt.Fprint(w.Stream(spec.StreamErr), "a\nb\nc\n")
	fmt.Fprint(s.Writer("app", "1.0.0", 0).Stream(spec.StreamOut), "old\n")
	if d := cmp.Diff([]string{"b", "c"}, texts(w.Tail(2))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"a", "b", "c"}, texts(w.Tail(100))); d != "" {
		t.Error(d)
	}
}

func diskUse(t testing.TB, dir string) (bytes int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if i, err := os.Stat(f); err == nil {
			bytes += i.Size()
		}
	}
	return bytes
}

func TestQuotaHolds(t *testing.T) {
	for _, c := range []struct {
		name string
		line string
	}{
		{"lines", strings.Repeat("x", 120) + "\n"},
		{"line ends", "\n"},
		{"no line end", strings.Repeat("x", 1000)},
		{"not UTF-8", strings.Repeat("x\xff", 500)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			const quota = 1 << 20
			w := s.Writer("app", "1.0.0", quota).Stream(spec.StreamOut)
			chunk := []byte(strings.Repeat(c.line, 200_000/len(c.line)))
			for range 50 {
				_, _ = w.Write(chunk)
				if use := diskUse(t, filepath.Join(s.dir, "app")); use > quota {
					t.Fatalf("%d bytes on disk, quota %d", use, quota)
				}
			}
			if use := diskUse(t, filepath.Join(s.dir, "app")); use < quota/2 {
				t.Errorf("only %d bytes are kept of a quota of %d", use, quota)
			}
			s.Writer("app", "1.0.0", MinQuota)
			if use := diskUse(t, filepath.Join(s.dir, "app")); use > int64(MinQuota) {
				t.Errorf("%d bytes after the quota was lowered to %d", use, MinQuota)
			}
		})
	}
}

func TestReopenContinues(t *testing.T) {
	dir := t.TempDir()
	s := Open(dir, slog.New(slog.DiscardHandler))
	fmt.Fprint(s.Writer("app", "1.0.0", 0).Stream(spec.StreamOut), "first\n")
	s.Close()
	// What a killed agent can leave: half a record.
	f, err := os.OpenFile(filepath.Join(dir, "app", "00000001.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, "2026-11-23T05:41:02.1234")
	f.Close()

	s = Open(dir, slog.New(slog.DiscardHandler))
	defer s.Close()
	fmt.Fprint(s.Writer("app", "1.0.0", 0).Stream(spec.StreamOut), "second\n")
	if d := cmp.Diff([]string{"first", "second"}, read(t, s, "app")); d != "" {
		t.Error(d)
	}
}

func TestDelete(t *testing.T) {
	s := open(t)
	w := s.Writer("app", "1.0.0", 0).Stream(spec.StreamOut)
	fmt.Fprint(w, "line\n")
	if err := s.Delete("app"); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, "too late\n")
	if _, err := os.Stat(filepath.Join(s.dir, "app")); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
	fmt.Fprint(s.Writer("app", "1.0.0", 0).Stream(spec.StreamOut), "new\n")
	if d := cmp.Diff([]string{"new"}, read(t, s, "app")); d != "" {
		t.Error(d)
	}
}

// A name is part of a path.
func TestNamesThatAreNone(t *testing.T) {
	s := open(t)
	s.dir = filepath.Join(s.dir, "logs")
	outside := filepath.Join(s.dir, "..", "other")
	if err := os.MkdirAll(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "00000001.log"), []byte("2026-11-23T05:41:02.123456Z - stdout secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const name = "../other"
	if got := read(t, s, name); len(got) != 0 {
		t.Errorf("read %q", got)
	}
	fmt.Fprint(s.Writer(name, "1.0.0", 0).Stream(spec.StreamOut), "x\n")
	if err := s.Follow(t.Context(), name, FollowOptions{Tail: -1}, func(i Item) error { return fmt.Errorf("got %v", i) }); err != nil {
		t.Error(err)
	}
	if err := s.Delete(name); err == nil {
		t.Error("deleted")
	}
	if diskUse(t, outside) == 0 {
		t.Error("it is gone")
	}
}

// writeForEver is the process that TestKill kills: it says on stdout which
// lines were written.
func writeForEver(dir string) {
	w := Open(dir, slog.New(slog.DiscardHandler)).Writer("app", "1.0.0", 1<<20).Stream(spec.StreamOut)
	for i := 0; ; i++ {
		fmt.Fprintf(w, "line %d %s\n", i, strings.Repeat("x", 200))
		fmt.Printf("%d\n", i)
	}
}

func TestKillLosesNoWrittenLine(t *testing.T) {
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), "LOGS_TEST_CHILD="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var last int
	for last < 20_000 {
		if _, err := fmt.Fscanln(out, &last); err != nil {
			t.Fatal(err)
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(out)
	_ = child.Wait()
	if lines := strings.Fields(string(rest)); len(lines) > 1 {
		_, _ = fmt.Sscan(lines[len(lines)-2], &last) // the last but one is surely whole
	}
	s := Open(dir, slog.New(slog.DiscardHandler))
	defer s.Close()
	got := read(t, s, "app")
	var first int
	for i, l := range got {
		var n int
		if _, err := fmt.Sscanf(l, "line %d", &n); err != nil {
			t.Fatalf("record %d is %q", i, l)
		}
		if i == 0 {
			first = n
		}
		if n != first+i {
			t.Fatalf("record %d is line %d, want %d", i, n, first+i)
		}
	}
	if first+len(got)-1 < last {
		t.Errorf("line %d was written, the last kept is %d", last, first+len(got)-1)
	}
}
