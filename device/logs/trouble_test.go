package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/spec"
)

// smallDisk is a file system of size bytes of its own.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("needs to mount a tmpfs (root with CAP_SYS_ADMIN): %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

func TestFullDisk(t *testing.T) {
	s := open(t)
	s.dir = smallDisk(t, 512<<10)
	hog := filepath.Join(s.dir, "hog")
	if err := os.WriteFile(hog, make([]byte, 512<<10), 0o600); err != nil {
		t.Log("the disk is full:", err)
	}
	w := s.Writer("app", "1.0.0", 0)
	out := w.Stream(spec.StreamOut)
	for i := range 100 {
		if _, err := fmt.Fprintf(out, "lost %d\n", i); err != nil {
			t.Fatal("an application would have stopped:", err)
		}
	}
	if tail := texts(w.Tail(2)); len(tail) != 2 || tail[1] != "lost 99" {
		t.Errorf("the last lines are %q", tail)
	}
	if err := os.Remove(hog); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(out, "kept\n")
	got := read(t, s, "app")
	if len(got) != 2 || !strings.HasPrefix(got[0], "100 lines were lost here") || got[1] != "kept" {
		t.Errorf("got %q", got)
	}
}
