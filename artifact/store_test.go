package artifact

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func openStore(t *testing.T) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func put(t *testing.T, s *Store, text string) (spec.Digest, bool) {
	t.Helper()
	d, n, existed, err := s.Put(t.Context(), strings.NewReader(text), DefaultLimits())
	if err != nil || n != int64(len(text)) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	return d, existed
}

// files are the names below a directory that are no directories.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	for name, what := range tree(t, dir) {
		if what != "dir" {
			names = append(names, name)
		}
	}
	return names
}

func TestStoredOnce(t *testing.T) {
	s, dir := openStore(t)
	d, existed := put(t, s, "content")
	if existed || d != "sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73" {
		t.Errorf("%s, existed %v", d, existed)
	}
	if again, existed := put(t, s, "content"); !existed || again != d {
		t.Errorf("again: %s, existed %v", again, existed)
	}
	if other, existed := put(t, s, "other"); existed || other == d {
		t.Errorf("other content: %s, existed %v", other, existed)
	}
	if n := files(t, dir); len(n) != 2 {
		t.Errorf("files: %v", n)
	}
	wantWhole(t, s, map[spec.Digest]bool{d: true})
	if err := errors.Join(s.Delete(d), s.Delete(d)); err != nil {
		t.Errorf("delete, twice: %v", err)
	}
	if _, err := s.Get(d); !fail.Is(err, fail.NotFound) || s.Has(d) {
		t.Errorf("after deletion: %v, has %v", err, s.Has(d))
	}
}

// The same content from many at once is one file, and all are told the same.
func TestPutAtOnce(t *testing.T) {
	s, dir := openStore(t)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 10 {
				if d, _, _, err := s.Put(t.Context(), strings.NewReader("content"), DefaultLimits()); err != nil || !s.Has(d) {
					t.Error(d, err)
				}
			}
		})
	}
	wait.Wait()
	if n := files(t, dir); len(n) != 1 {
		t.Errorf("files: %v", n)
	}
}

// cut is a reader that fails behind its text.
type cut struct {
	text io.Reader
	err  error
}

func (c cut) Read(p []byte) (int, error) {
	n, err := c.text.Read(p)
	if errors.Is(err, io.EOF) {
		err = c.err
	}
	return n, err
}

// An upload that does not come to its end leaves nothing, whatever the reason.
func TestInterruptedPut(t *testing.T) {
	s, dir := openStore(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	tight := DefaultLimits()
	tight.Size = 4
	for what, c := range map[string]struct {
		ctx  context.Context
		r    io.Reader
		l    Limits
		want spec.Digest
		kind fail.Kind
	}{
		"cut off":      {t.Context(), cut{strings.NewReader("beginning"), io.ErrUnexpectedEOF}, DefaultLimits(), "", fail.Invalid},
		"broken":       {t.Context(), cut{strings.NewReader("beginning"), errors.New("reset by peer")}, DefaultLimits(), "", fail.Unavailable},
		"given up":     {gone, strings.NewReader("beginning"), DefaultLimits(), "", fail.Canceled},
		"too large":    {t.Context(), strings.NewReader("12345"), tight, "", fail.TooLarge},
		"other digest": {t.Context(), strings.NewReader("content"), DefaultLimits(), digestOfText("other"), fail.Invalid},
	} {
		t.Run(what, func(t *testing.T) {
			_, _, _, err := s.put(c.ctx, c.r, c.l, c.want)
			if !fail.Is(err, c.kind) {
				t.Errorf("%v (%v), want %v", err, fail.KindOf(err), c.kind)
			}
			if n := files(t, dir); len(n) != 0 {
				t.Errorf("left behind: %v", n)
			}
		})
	}
	if _, _, _, err := s.Put(t.Context(), strings.NewReader("1234"), tight); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if err := s.PutVerified(t.Context(), strings.NewReader("content"), DefaultLimits(), digestOfText("content")); err != nil {
		t.Error(err)
	}
	if err := s.PutVerified(t.Context(), strings.NewReader("content"), DefaultLimits(), "md5:x"); err == nil {
		t.Error("a digest that is none was taken")
	}
}

func digestOfText(text string) spec.Digest {
	d, _, _ := DigestOf(strings.NewReader(text)) // a string can be read
	return d
}

// A digest that is none never becomes a path.
func TestDigestsAreNoPaths(t *testing.T) {
	s, dir := openStore(t)
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, d := range []spec.Digest{"", "x", "sha256:", "sha256:../../secret", spec.Digest("sha256:" + strings.Repeat("A", 64)), "sha256:../../../../../../../../../../etc/passwd"} {
		if _, err := s.Get(d); !fail.Is(err, fail.Invalid) {
			t.Errorf("Get(%q): %v", d, err)
		}
		if err := s.Delete(d); err == nil {
			t.Errorf("Delete(%q) says it is done", d)
		}
		if s.Has(d) {
			t.Errorf("Has(%q)", d)
		}
	}
}

// A download that is cut goes on where it ended; other content begins anew.
func TestResume(t *testing.T) {
	s, dir := openStore(t)
	whole := bytes.Repeat([]byte("0123456789"), 1000)
	want, offsets := digestOfText(string(whole)), []int64{}
	from := func(content []byte, upTo int) func(int64) (io.ReadCloser, error) {
		return func(at int64) (io.ReadCloser, error) {
			offsets = append(offsets, at)
			return io.NopCloser(cut{bytes.NewReader(content[at:upTo]), io.ErrUnexpectedEOF}), nil
		}
	}
	for _, upTo := range []int{10, 4000, 4000, 9999} {
		if err := s.Resume(t.Context(), want, DefaultLimits(), from(whole, upTo)); !fail.Is(err, fail.Unavailable) {
			t.Fatalf("cut at %d: %v", upTo, err)
		}
		if s.Has(want) {
			t.Fatal("half of it is under its name")
		}
	}
	err := s.Resume(t.Context(), want, DefaultLimits(), func(at int64) (io.ReadCloser, error) {
		offsets = append(offsets, at)
		return io.NopCloser(bytes.NewReader(whole[at:])), nil
	})
	if err != nil || !s.Has(want) {
		t.Fatal(err)
	}
	for i, at := range []int64{0, 10, 4000, 4000, 9999} {
		if offsets[i] != at {
			t.Errorf("asked from %v", offsets)
			break
		}
	}
	wantWhole(t, s, map[spec.Digest]bool{want: true})
	if n := files(t, dir); len(n) != 1 {
		t.Errorf("files: %v", n)
	}

	other := digestOfText("what is wanted")
	err = s.Resume(t.Context(), other, DefaultLimits(), func(int64) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("what is brought")), nil
	})
	if !fail.Is(err, fail.Unavailable) || s.Has(other) || len(files(t, dir)) != 1 {
		t.Errorf("other content: %v, files %v", err, files(t, dir))
	}
	tight := DefaultLimits()
	tight.Size = 5
	err = s.Resume(t.Context(), other, tight, func(int64) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("what is wanted")), nil })
	if !fail.Is(err, fail.TooLarge) || len(files(t, dir)) != 1 {
		t.Errorf("over the limit: %v, files %v", err, files(t, dir))
	}
}
