package engine

import (
	"os"
	"path/filepath"
	"testing"
)

func TestUsedBytes(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, n int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	used := func() int64 {
		t.Helper()
		n, err := usedBytes(dir, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	empty := used()
	write("a", 1<<20)
	one := used()
	if one < empty+1<<20 || one > empty+2<<20 {
		t.Errorf("a file of 1 MiB: %d to %d", empty, one)
	}
	if err := os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "again")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/usr", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if n := used(); n > one+2*inodeBytes {
		t.Errorf("a file with two names, and a link: %d to %d", one, n)
	}
	before := used()
	for i := range 50 {
		write("empty"+string(rune('a'+i)), 0)
	}
	if n := used(); n < before+50*inodeBytes {
		t.Errorf("50 empty files: %d to %d", before, n)
	}
	f, err := os.Create(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before = used()
	if err := f.Truncate(1 << 30); err != nil {
		t.Fatal(err)
	}
	if n := used(); n > before+1<<20 {
		t.Errorf("a file with a hole: %d to %d", before, n)
	}
	if n, err := usedBytes(dir, 1000); err != nil || n <= 1000 {
		t.Errorf("more than 1000: %d, %v", n, err)
	}
}
