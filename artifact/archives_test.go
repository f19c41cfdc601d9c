package artifact

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	child() // see kill_test.go
	goleak.VerifyTestMain(m)
}

// thing is one entry of an archive that a test makes: a file unless told otherwise.
type thing struct {
	name, body, target string
	kind               byte        // of a tar; 0 is a regular file
	mode               fs.FileMode // of a zip, with its type
}

// forms are the ways to pack the same things.
func forms() map[string]func(testing.TB, ...thing) []byte {
	return map[string]func(testing.TB, ...thing) []byte{"tar": plainTar, "tar.gz": gzipped, "zip": zipped}
}

func plainTar(t testing.TB, things ...thing) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range things {
		h := &tar.Header{Typeflag: e.kind, Name: e.name, Linkname: e.target, Mode: 0o644, Size: int64(len(e.body))}
		if e.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if e.mode&0o111 != 0 {
			h.Mode = 0o755
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func compress(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, things ...thing) []byte {
	t.Helper()
	return compress(t, plainTar(t, things...))
}

// zipKinds are the types of a tar's entries as a zip says them.
var zipKinds = map[byte]fs.FileMode{
	tar.TypeDir: fs.ModeDir | 0o755, tar.TypeSymlink: fs.ModeSymlink | 0o777, tar.TypeFifo: fs.ModeNamedPipe | 0o644,
	tar.TypeChar: fs.ModeDevice | fs.ModeCharDevice | 0o666, tar.TypeBlock: fs.ModeDevice | 0o666,
}

func zipped(t testing.TB, things ...thing) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range things {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		body := e.body
		if e.kind == tar.TypeDir && e.name[len(e.name)-1] != '/' {
			h.Name += "/"
		}
		if e.kind == tar.TypeSymlink {
			body = e.target
		}
		h.SetMode(zipKinds[e.kind] | e.mode | 0o644)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if e.kind == tar.TypeDir {
			continue
		}
		if _, err := f.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// file puts an archive on the disk, where List and Unpack read it.
func file(t testing.TB, content []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// tree is what is below a directory: each file's content, each link's target with
// "-> " before it, "dir" for directories.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch d.Type() {
		case fs.ModeDir:
			found[name] = "dir"
		case fs.ModeSymlink:
			target, err := os.Readlink(path)
			found[name] = "-> " + target
			return err
		case 0:
			text, err := os.ReadFile(path)
			found[name] = string(text)
			return err
		default:
			t.Errorf("%s is %v", name, d.Type())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
