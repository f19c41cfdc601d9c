package sdk

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestPythonHoldsSourcesOnly(t *testing.T) {
	names := map[string]bool{}
	err := fs.WalkDir(Python(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && !strings.HasSuffix(path, ".py") && filepath.Base(path) != "py.typed" {
			t.Errorf("%s is embedded", path)
		}
		names[path] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"fescue/__init__.py", "fescue/_wire.py", "fescue/worker.py", "fescue/aio.py", "fescue/py.typed"} {
		if !names[want] {
			t.Errorf("%s is not embedded", want)
		}
	}
	onDisk, err := filepath.Glob("python/fescue/*.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range onDisk {
		if name := "fescue/" + filepath.Base(path); !names[name] {
			t.Errorf("%s is not embedded", name)
		}
	}
}

func TestExtractIsCompleteAndRepeatable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sdk")
	var group sync.WaitGroup
	paths := make([]string, 8)
	for i := range paths {
		group.Go(func() {
			path, err := Extract(dir)
			if err != nil {
				t.Error(err)
			}
			paths[i] = path
		})
	}
	group.Wait()
	for _, path := range paths {
		if path != paths[0] {
			t.Fatalf("extracted to %s and %s", paths[0], path)
		}
	}
	if got := hashOf(os.DirFS(paths[0])); got != PythonHash() {
		t.Errorf("what was extracted has the hash %s, not %s", got, PythonHash())
	}
	if left := entries(t, dir); len(left) != 1 {
		t.Errorf("left in the directory: %v", left)
	}
}

// A process killed while extracting leaves a part aside, never a target.
func TestExtractSweepsInterrupted(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, ".sdk-123", "fescue"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Extract(dir); err != nil {
		t.Fatal(err)
	}
	if left := entries(t, dir); len(left) != 1 {
		t.Errorf("left in the directory: %v", left)
	}
}

func TestExtractedIsReadableForAll(t *testing.T) {
	path, err := Extract(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{".": 0o755, "fescue": 0o755, "fescue/worker.py": 0o644} {
		info, err := os.Stat(filepath.Join(path, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
}

func TestExtractSaysWhereItFailed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Extract(file)
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Extract into a file: %v", err)
	}
}

func TestCompile(t *testing.T) {
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	path, err := Extract(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Compile(context.Background(), interpreter, path); err != nil {
			t.Fatal(err)
		}
	}
	compiled, err := filepath.Glob(filepath.Join(path, "fescue", "__pycache__", "worker.*.pyc"))
	if err != nil || len(compiled) != 1 {
		t.Errorf("byte code of worker.py: %v, %v", compiled, err)
	}
	if err := Compile(context.Background(), "/no/such/python", path); err == nil || !strings.Contains(err.Error(), "/no/such/python") {
		t.Errorf("Compile with an interpreter that is not there: %v", err)
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}
