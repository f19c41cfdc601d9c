package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/smalldisk"
	"fescue.dev/fescue/spec"
)

// kept is the files below the artifact store.
func (w *world) kept(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(filepath.Join(w.dir, "artifacts"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestArtifactIsStoredOnce(t *testing.T) {
	w := newWorld(t, nil)
	content := archive(t, map[string]string{"main.py": "print(1)\n"})
	first := w.ask(t, http.MethodPost, "/v1/artifacts", bytes.NewReader(content))
	again := w.ask(t, http.MethodPost, "/v1/artifacts", bytes.NewReader(content))
	if first.StatusCode != http.StatusCreated || again.StatusCode != http.StatusOK || !bytes.Equal(first.text, again.text) {
		t.Fatalf("%d %s, then %d %s", first.StatusCode, first.text, again.StatusCode, again.text)
	}
	all, err := w.api.Artifacts(t.Context())
	if err != nil || len(all) != 1 || all[0].Files != 1 || all[0].Unpacked != 9 || all[0].Size != int64(len(content)) || len(w.kept(t)) != 1 {
		t.Errorf("artifacts %+v, %v, files %v", all, err, w.kept(t))
	}
	digest := all[0].Digest
	got, err := w.api.Artifact(t.Context(), digest)
	if err != nil || got != all[0] {
		t.Errorf("artifact %+v, %v", got, err)
	}
	if err := w.api.DeleteArtifact(t.Context(), digest); err != nil || len(w.kept(t)) != 0 {
		t.Errorf("delete: %v, files %v", err, w.kept(t))
	}
	wantKind(t, w.api.DeleteArtifact(t.Context(), digest), fail.NotFound)
	if back := w.ask(t, http.MethodPost, "/v1/artifacts", bytes.NewReader(content)); back.StatusCode != http.StatusCreated {
		t.Errorf("once more: %d", back.StatusCode)
	}
}

func TestDigestThatIsAsked(t *testing.T) {
	w := newWorld(t, nil)
	content := archive(t, map[string]string{"a": "b"})
	digest, _, err := artifact.DigestOf(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	w.ask(t, http.MethodPost, "/v1/artifacts", bytes.NewReader(content), "Fescue-Digest", "sha256:"+strings.Repeat("0", 64)).wantProblem(t, "invalid")
	w.ask(t, http.MethodPost, "/v1/artifacts", bytes.NewReader(content), "Fescue-Digest", "nonsense").wantProblem(t, "invalid")
	if files := w.kept(t); len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
	if a := w.ask(t, http.MethodPost, "/v1/artifacts", bytes.NewReader(content), "Fescue-Digest", string(digest)); a.StatusCode != http.StatusCreated {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
}

// incompressible is a stream of n random bytes in tar form, made as it is read.
func incompressible(n int64) io.Reader {
	header := make([]byte, 512)
	copy(header, "blob")
	copy(header[100:], "0000644\x000000000\x000000000\x00")
	copy(header[124:], fmt.Sprintf("%011o\x00", n))
	copy(header[136:], "00000000000\x00        0")
	copy(header[257:], "ustar\x0000")
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[148:], fmt.Sprintf("%06o\x00 ", sum))
	return io.MultiReader(bytes.NewReader(header), io.LimitReader(rand.NewChaCha8([32]byte{}), n), bytes.NewReader(make([]byte, 1024)))
}

// An upload of 64 MiB, of unknown length, passes through the server and leaves its
// heap as it was: what grows with an upload is only the disk.
func TestUploadIsStreamed(t *testing.T) {
	w := newWorld(t, nil)
	const size = 64 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a, err := w.api.CreateArtifact(t.Context(), incompressible(size))
	runtime.ReadMemStats(&after)
	if err != nil || a.Unpacked != size || a.Size != size+512+1024 {
		t.Fatalf("%+v, %v", a, err)
	}
	if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 8<<20 {
		t.Errorf("%d bytes were allocated for an upload of %d", grown, size)
	}
	// And out again, from the middle on.
	body, err := w.api.ArtifactContent(t.Context(), a.Digest, a.Size-1000)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if rest, err := io.ReadAll(body); err != nil || len(rest) != 1000 {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
}

func TestArchiveThatIsRefusedDoesNotStay(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Limits = artifact.DefaultLimits()
		o.Limits.Size = 1 << 20
	})
	whole := archive(t, map[string]string{"a.txt": strings.Repeat("text ", 10000)})
	for name, c := range map[string]struct {
		content io.Reader
		code    Code
	}{
		"no archive": {strings.NewReader("plain text"), "invalid"},
		"cut off":    {bytes.NewReader(whole[:len(whole)/2]), "invalid"},
		"empty":      {strings.NewReader(""), "invalid"},
		"too large":  {incompressible(2 << 20), "too-large"},
	} {
		a := w.ask(t, http.MethodPost, "/v1/artifacts", c.content)
		a.wantProblem(t, c.code)
		if a.problem.Hint == "" {
			t.Errorf("%s: no hint: %s", name, a.text)
		}
		if files := w.kept(t); len(files) != 0 {
			t.Errorf("%s: left behind: %v", name, files)
		}
	}
	if all, err := w.api.Artifacts(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("registered: %v, %v", all, err)
	}
}

// A client that dies in the middle of an upload leaves nothing.
func TestUploadThatBreaksOff(t *testing.T) {
	w := newWorld(t, nil)
	for _, head := range []string{"Content-Length: 1000000", "Transfer-Encoding: chunked"} {
		c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /v1/artifacts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n%s", w.token, head, "8\r\n\x1f\x8b\x08ABCDE\r\n")
		eventually(t, "the upload has begun", func() bool { return len(w.kept(t)) == 1 })
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the upload has left nothing", func() bool { return len(w.kept(t)) == 0 })
	}
	// A client whose source of bytes fails gets that error back.
	_, err := w.api.CreateArtifact(t.Context(), io.MultiReader(strings.NewReader("begin"), failing{}))
	wantKind(t, err, fail.Denied)
	eventually(t, "the upload has left nothing", func() bool { return len(w.kept(t)) == 0 })
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, fail.New(fail.Denied, "read file", "not yours") }

// A full disk, a real one: 507, with a hint, and nothing is left.
func TestDiskFull(t *testing.T) {
	smalldisk.Run(t, "1m", func(t *testing.T, dir string) {
		small, err := artifact.Open(filepath.Join(dir, "artifacts"))
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, func(o *Options) { o.Artifacts = small })
		a := w.ask(t, http.MethodPost, "/v1/artifacts", incompressible(4<<20))
		a.wantProblem(t, "exhausted")
		if a.StatusCode != http.StatusInsufficientStorage || !strings.Contains(a.problem.Hint, "Free some space") {
			t.Errorf("%d %s", a.StatusCode, a.text)
		}
		for range 5 { // each time: the answer outruns the upload that it ends
			_, err = w.api.CreateArtifact(t.Context(), incompressible(48<<20))
			wantKind(t, err, fail.Exhausted)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "artifacts", artifact.TempPrefix+"*")); err != nil || len(left) != 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
		if b, err := w.api.CreateArtifact(t.Context(), bytes.NewReader(archive(t, map[string]string{"a": "a"}))); err != nil || b.Files != 1 {
			t.Errorf("a small one: %+v, %v", b, err)
		}
	})
}

func TestContent(t *testing.T) {
	w := newWorld(t, nil)
	content := archive(t, map[string]string{"a.txt": strings.Repeat("0123456789", 100)})
	a, err := w.api.CreateArtifact(t.Context(), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	path := "/v1/artifacts/" + string(a.Digest) + "/content"
	whole := w.ask(t, http.MethodGet, path, nil)
	tag := whole.Header.Get("ETag")
	if !bytes.Equal(whole.text, content) || tag != `"`+string(a.Digest)+`"` || whole.Header.Get("Accept-Ranges") != "bytes" {
		t.Errorf("%d bytes, tag %s", len(whole.text), tag)
	}
	if part := w.ask(t, http.MethodGet, path, nil, "Range", "bytes=5-9"); part.StatusCode != http.StatusPartialContent || !bytes.Equal(part.text, content[5:10]) {
		t.Errorf("a range: %d %x", part.StatusCode, part.text)
	}
	if same := w.ask(t, http.MethodGet, path, nil, "If-None-Match", tag); same.StatusCode != http.StatusNotModified {
		t.Errorf("the same again: %d", same.StatusCode)
	}
	for offset := range int64(len(content) + 1) {
		body, err := w.api.ArtifactContent(t.Context(), a.Digest, offset)
		if err != nil {
			t.Fatalf("from %d: %v", offset, err)
		}
		rest, err := io.ReadAll(body)
		if err := errors.Join(err, body.Close()); err != nil || !bytes.Equal(rest, content[offset:]) {
			t.Fatalf("from %d: %x, %v", offset, rest, err)
		}
	}
	// A device gets what it is to run, and nothing else.
	agent := w.client(t, w.device)
	w.register(t)
	_, err = agent.ArtifactContent(t.Context(), a.Digest, 0)
	wantKind(t, err, fail.NotFound)
	v, err := w.api.CreateConfiguration(t.Context(), helloText, a.Digest)
	if err != nil {
		t.Fatal(err)
	}
	w.ask(t, http.MethodPost, "/v1/deployments", strings.NewReader(`{"name": "`+string(v.Name)+`"}`), "Content-Type", "application/json")
	body, err := agent.ArtifactContent(t.Context(), a.Digest, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the device got %d bytes, %v", len(got), err)
	}
	_ = body.Close()
	wantKind(t, w.api.DeleteArtifact(t.Context(), a.Digest), fail.Conflict)
}

// Uploads and deletions of one content at once end in one of the two states: it
// is registered and its file is there, or neither.
func TestSameContentAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	content := archive(t, map[string]string{"a": "b"})
	digest, _, err := artifact.DigestOf(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 10 {
				if _, err := w.api.CreateArtifact(t.Context(), bytes.NewReader(content)); err != nil && !fail.Is(err, fail.Conflict) {
					t.Error(err)
				}
			}
		})
		wait.Go(func() {
			for range 10 {
				if err := w.api.DeleteArtifact(t.Context(), digest); err != nil && !fail.Is(err, fail.NotFound) {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	_, err = w.api.Artifact(t.Context(), digest)
	if registered, there := err == nil, len(w.kept(t)) == 1; registered != there {
		t.Errorf("registered %v, file there %v", registered, there)
	}
}

// A process that was killed between keeping and registering leaves a file; the
// next one removes it.
func TestSweepAtStart(t *testing.T) {
	w := newWorld(t, nil)
	kept, err := w.api.CreateArtifact(t.Context(), bytes.NewReader(archive(t, map[string]string{"a": "b"})))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := w.server.Artifacts.Put(t.Context(), strings.NewReader("never registered"), artifact.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	if n := len(w.kept(t)); n != 2 {
		t.Fatalf("%d files", n)
	}
	w.stop()
	w.server = New(w.server.Options)
	w.run(t)
	eventually(t, "the file is gone", func() bool { return len(w.kept(t)) == 1 })
	if !w.server.Artifacts.Has(kept.Digest) {
		t.Error("the wrong one is gone")
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t, nil)
	const n = 7
	want := map[spec.Digest]bool{}
	for i := range n {
		a, err := w.api.CreateArtifact(t.Context(), bytes.NewReader(archive(t, map[string]string{"n": fmt.Sprint(i)})))
		if err != nil {
			t.Fatal(err)
		}
		want[a.Digest] = true
	}
	cursor, pages := "", 0
	for {
		var page struct {
			Items []spec.Artifact
			Next  string
		}
		w.decode(t, "/v1/artifacts?limit=3&cursor="+cursor, &page)
		pages++
		for _, a := range page.Items {
			if !want[a.Digest] {
				t.Errorf("%s came twice, or was never stored", a.Digest)
			}
			delete(want, a.Digest)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if pages != 3 || len(want) != 0 {
		t.Errorf("%d pages, missing %v", pages, want)
	}
	if all, err := w.api.Artifacts(t.Context()); err != nil || len(all) != n {
		t.Errorf("the client has %d, %v", len(all), err)
	}
}
