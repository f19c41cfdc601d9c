package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/spec"
)

// readStream reads a request's body as the SDKs do.
func readStream(r *Request) ([]byte, error) {
	f, err := os.OpenFile(r.Stream, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if _, missing := os.Stat(r.Stream + completeSuffix); err == nil && missing != nil {
		err = errors.New("cut off")
	}
	return text, err
}

// nothingLeft: neither pipes nor marks stay in the application's folder.
func (s *served) nothingLeft() {
	s.t.Helper()
	if left, err := filepath.Glob(filepath.Join(s.data, filesFolder, "*")); err != nil || len(left) > 0 {
		s.t.Errorf("left: %v, %v", left, err)
	}
}

// The handler has the first part of a body before the second is sent, and all of it in the end.
func TestStreamWhileItComes(t *testing.T) {
	s := start(t)
	got := make(chan string)
	s.set("app", s.route(spec.Trigger{HTTP: "POST /x", Body: spec.BodyStream}, func(_ context.Context, r *Request) ([]byte, error) {
		f, err := os.Open(r.Stream)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		part := make([]byte, 5)
		for range 3 {
			if _, err := io.ReadFull(f, part); err != nil {
				return nil, err
			}
			got <- string(part)
		}
		rest, err := io.ReadAll(f)
		return fmt.Appendf(nil, "read, and %d more", len(rest)), err
	}))
	read, write := io.Pipe()
	go func() {
		for _, part := range []string{"first", "2nd..", "third"} {
			if _, err := io.WriteString(write, part); err != nil {
				t.Error(err)
			}
			if heard := <-got; heard != part { // before the next is sent
				t.Errorf("heard %q", heard)
			}
		}
		_ = write.Close()
	}()
	answer, err := http.Post(s.URL()+"/x", "text/plain", read)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "read, and 0 more" {
		t.Errorf("%q, %v", text, err)
	}
	s.nothingLeft()
}

// Bodies larger than any buffer come whole, one after the other on one link; what is too large is told so, and a
// handler that does not read is answered for nevertheless.
func TestStreamSizes(t *testing.T) {
	s := start(t)
	s.set("app", s.route(spec.Trigger{HTTP: "POST /x", Body: spec.BodyStream, MaxBody: 9 << 20}, func(_ context.Context, r *Request) ([]byte, error) {
		text, err := readStream(r)
		return fmt.Appendf(nil, "%d %v", len(text), bytes.Count(text, []byte("x"))), err
	}), s.route(spec.Trigger{HTTP: "POST /deaf", Body: spec.BodyStream, MaxBody: 9 << 20}, func(_ context.Context, r *Request) ([]byte, error) {
		return []byte("not read"), nil
	}))
	for range 3 {
		s.wants("POST", "/x", strings.Repeat("x", 8<<20), 200, fmt.Sprintf("%d %d", 8<<20, 8<<20))
	}
	s.wants("POST", "/x", "", 200, "0 0")
	s.wants("POST", "/x", strings.Repeat("x", 10<<20), 413, "more than")
	unknown := struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 10<<20))} // without Content-Length
	answer, err := http.Post(s.URL()+"/x", "text/plain", unknown)
	if err == nil {
		defer answer.Body.Close()
	}
	if err != nil || answer.StatusCode != 413 {
		t.Errorf("too large, told late: %v, %v", answer, err)
	}
	s.wants("POST", "/deaf", "short", 200, "not read")
	s.nothingLeft()
}

// A sender that goes in the middle leaves a body that is not taken for all of it.
func TestStreamCutOff(t *testing.T) {
	s := start(t)
	read := make(chan error, 1)
	began := make(chan struct{})
	s.set("app", s.route(spec.Trigger{HTTP: "POST /x", Body: spec.BodyStream}, func(_ context.Context, r *Request) ([]byte, error) {
		close(began)
		_, err := readStream(r)
		read <- err
		return nil, err
	}))
	body, write := io.Pipe()
	ctx, leave := context.WithCancel(context.Background())
	go func() {
		_, _ = io.WriteString(write, "half of it")
		<-began
		leave()
		_ = write.CloseWithError(context.Canceled)
	}()
	q, err := http.NewRequestWithContext(ctx, "POST", s.URL()+"/x", body)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := http.DefaultClient.Do(q); err == nil {
		_ = answer.Body.Close()
		t.Error("the sender has an answer")
	}
	if err := <-read; err == nil {
		t.Error("half of a body was taken for all of it")
	}
}

// What an application puts in a pipe's place is not written to.
func TestStreamReplaced(t *testing.T) {
	s := start(t)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(s.data, "inside")
	if err := os.WriteFile(inside, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{outside, "../inside"} {
		s.set("app", s.route(spec.Trigger{HTTP: "POST /x", Body: spec.BodyStream, Timeout: spec.Duration(1e9)}, func(ctx context.Context, r *Request) ([]byte, error) {
			if err := errors.Join(os.Remove(r.Stream), os.Symlink(target, r.Stream)); err != nil {
				return nil, err
			}
			<-ctx.Done()
			return []byte("done"), nil
		}))
		s.wants("POST", "/x", "overwritten", 200, "done")
	}
	for _, path := range []string{outside, inside} {
		if text, err := os.ReadFile(path); err != nil || string(text) != "kept" {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
}
