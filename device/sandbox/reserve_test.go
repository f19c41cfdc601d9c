package sandbox

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// waiting gives the helper that waits, once there is one.
func waiting(t *testing.T, s *Sandbox) *helper {
	t.Helper()
	var h *helper
	eventually(t, "a helper waits", func() bool {
		s.reserve.mu.Lock()
		defer s.reserve.mu.Unlock()
		h = s.reserve.helper
		return h != nil
	})
	return h
}

// After a first start a helper waits for the next, which it serves as one that was started for it does.
func TestReserve(t *testing.T) {
	s := open(t)
	wait(t, start(t, s, shell("true")))
	h := waiting(t, s)
	o := shell("cat; id -u; echo $ME; ls /proc/self/fd | wc -l; cat <&3")
	o.Application, o.Env = "another", append(o.Env, "ME=another")
	for i, text := range []string{"in", "three"} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		if _, err := write.WriteString(text + "\n"); err != nil {
			t.Fatal(err)
		}
		write.Close()
		if i == 0 {
			o.Stdin = read
		} else {
			o.Files = []*os.File{read}
		}
	}
	out, exit := run(t, s, o)
	uid, _, err := s.UserFor("another")
	if err != nil {
		t.Fatal(err)
	}
	want := "in\n" + strconv.Itoa(uid) + "\nanother\n5\nthree\n" // 0 to 3, and the folder itself
	if os.Geteuid() == 0 && (out != want || !exit.Success()) {
		t.Errorf("%v: %q, want %q", exit, out, want)
	}
	if next := waiting(t, s); next == h {
		t.Error("it was not used")
	}
}

// One that was ended while it waited is no harm.
func TestReserveKilled(t *testing.T) {
	s := open(t)
	wait(t, start(t, s, shell("true")))
	h := waiting(t, s)
	if err := h.process.Kill(); err != nil {
		t.Fatal(err)
	}
	if out, exit := run(t, s, shell("echo fine")); out != "fine\n" || !exit.Success() {
		t.Errorf("%v: %s", exit, out)
	}
}

// What was mounted since it was made is seen.
func TestReserveAndMounts(t *testing.T) {
	needsRoot(t)
	s := open(t)
	needs(t, s, "a mount namespace", s.ability().mount)
	wait(t, start(t, s, shell("true")))
	waiting(t, s)
	dir := publicDir(t)
	if err := unix.Mount("test", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	if err := os.WriteFile(dir+"/later", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	o := shell("ls " + dir)
	o.ReadOnly = []string{dir}
	if out, _ := run(t, s, o); !strings.Contains(out, "later") {
		t.Errorf("seen: %q", out)
	}
}
