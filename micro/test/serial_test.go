package test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal: its master, and the path of the serial line.
func terminal(t testing.TB) (master *os.File, path string) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	return master, fmt.Sprintf("/dev/pts/%d", n)
}

// Gateway and board each open a serial device, set it up, and meet.
func TestSerialDevice(t *testing.T) {
	f := newFescue(t)
	key := f.must("micro", "provision", "shed")
	one, gateway := terminal(t)
	two, board := terminal(t)
	raw(t, gateway)
	raw(t, board)
	go func() { _, _ = io.Copy(one, two) }()
	go func() { _, _ = io.Copy(two, one) }()
	f.up("--micro", "serial:"+gateway+"@57600")
	agentProcess(t, compilePosix(t), filepath.Join(t.TempDir(), "flash"), nil, "--id", "shed", "--key", key, board)
	f.until("micro/posix", "get", "devices")
	f.must("deploy", application(t, "echo", "1.0.0", "echo", ""), "--device", "shed")
	if got := f.must("invoke", "echo", "--device", "shed", "--data", "over a serial line"); got != "over a serial line" {
		t.Errorf("invoke: %q", got)
	}
}
