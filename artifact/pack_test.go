package artifact

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fescue.dev/fescue/fail"
)

func write(t testing.TB, dir string, content map[string]string) {
	t.Helper()
	for name, text := range content {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func packed(t testing.TB, dir string, o PackOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := Pack(&b, dir, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpacked(t testing.TB, archive []byte) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "app")
	if _, err := Unpack(t.Context(), file(t, archive), dir, DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	return tree(t, dir)
}

// The same files give the same bytes, whoever packs them, and when.
func TestPackIsDeterministic(t *testing.T) {
	content := map[string]string{"b": "1", "a/c": "2", "a/b": "3", "a.txt": "4"}
	one, other := t.TempDir(), t.TempDir()
	write(t, one, content)
	write(t, other, content)
	if err := os.Chtimes(filepath.Join(other, "b"), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(other, "b"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(packed(t, one, PackOptions{}), packed(t, other, PackOptions{})) {
		t.Error("the same files were packed to different bytes")
	}
	if err := os.Chmod(filepath.Join(other, "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(packed(t, one, PackOptions{}), packed(t, other, PackOptions{})) {
		t.Error("that a file is executable makes no difference")
	}
}

func TestPackIgnores(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"main.py": "1", "main.pyc": "2", "sub/x.pyc": "3", "build/out": "4", "sub/build/out": "5", "docs/notes.md": "6",
		".git/HEAD": "7", "__pycache__/a": "8", "sub/__pycache__/a": "9", "secret": "10", "sub/secret": "11", "build.txt": "12",
		IgnoreFile: "# comments and empty lines\n\n*.pyc\nbuild/\n/secret\n",
	})
	got := unpacked(t, packed(t, dir, PackOptions{Ignore: []string{"docs/*.md"}}))
	want := map[string]string{"main.py": "1", "sub": "dir", "sub/secret": "11", "build.txt": "12"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	write(t, dir, map[string]string{IgnoreFile: "[a\n"})
	if _, err := Pack(&bytes.Buffer{}, dir, PackOptions{}); !fail.Is(err, fail.Invalid) {
		t.Errorf("a malformed pattern: %v", err)
	}
}

// What could not be unpacked is not packed.
func TestPackRefuses(t *testing.T) {
	for what, prepare := range map[string]func(dir string) error{
		"nothing":      func(string) error { return nil },
		"link outside": func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, "a")) },
		"link up":      func(dir string) error { return os.Symlink("../x", filepath.Join(dir, "a")) },
		"pipe":         func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "a"), 0o600) },
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			if err := prepare(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := Pack(&bytes.Buffer{}, dir, PackOptions{}); !fail.Is(err, fail.Invalid) {
				t.Errorf("%v (%v)", err, fail.KindOf(err))
			}
		})
	}
	if _, err := Pack(&bytes.Buffer{}, filepath.Join(t.TempDir(), "nothere"), PackOptions{}); err == nil {
		t.Error("a directory that is not there was packed")
	}
}

// Whatever is packed comes out again.
func TestRoundTrip(t *testing.T) {
	name := rapid.StringMatching(`[a-zA-Z0-9äß日 _.-]{1,12}`).Filter(func(s string) bool { return s != "." && s != ".." && s != IgnoreFile })
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		for range rapid.IntRange(1, 8).Draw(rt, "files") {
			path := filepath.Join(dir, filepath.Join(rapid.SliceOfN(name, 1, 4).Draw(rt, "path")...))
			if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
				continue // a file of that name is there
			}
			_ = os.WriteFile(path, rapid.SliceOf(rapid.Byte()).Draw(rt, "content"), 0o644) // or a directory is
		}
		want := tree(t, dir)
		var b bytes.Buffer
		if _, err := Pack(&b, dir, PackOptions{}); err != nil {
			rt.Skip("only names that are never packed")
		}
		got := unpacked(t, b.Bytes())
		for path, text := range want {
			if text != "dir" && got[path] != text {
				rt.Fatalf("%q was %q and is %q", path, text, got[path])
			}
		}
	})
}
