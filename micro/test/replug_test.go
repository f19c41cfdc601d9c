package test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// cable is a USB adapter: a pseudo-terminal whose other end leads to the board's.
type cable struct{ master *os.File }

// plug puts an adapter in: the kernel gives it a device, and udev a link with the adapter's
// own name.
func plug(t *testing.T, byID string, board *os.File) cable {
	t.Helper()
	master, device := terminal(t)
	raw(t, device)
	if err := os.Symlink(device, byID); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(master, board) }()
	go func() { _, _ = io.Copy(board, master) }()
	return cable{master}
}

// raw opens a terminal and keeps it open: a master without a slave that is open reads
// errors.
func raw(t *testing.T, device string) {
	t.Helper()
	slave, err := os.OpenFile(device, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	settings, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	settings.Lflag, settings.Iflag, settings.Oflag = 0, 0, 0
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, settings); err != nil {
		t.Fatal(err)
	}
}

// An adapter that is pulled out and plugged in again gets another device; by its name below
// /dev/serial/by-id the gateway finds it, and the function answers again.
func TestReplug(t *testing.T) {
	t.Parallel() // it waits for the most part
	f := newFescue(t)
	key := f.must("micro", "provision", "shed")
	byID := filepath.Join(t.TempDir(), "usb-Adapter_0001-if00-port0")
	board, device := terminal(t)
	raw(t, device)
	first := plug(t, byID, board)
	f.up("--micro", "serial:"+byID)
	agentProcess(t, compilePosix(t), filepath.Join(t.TempDir(), "flash"), nil, "--id", "shed", "--key", key, device)
	f.until("micro/posix", "get", "devices")
	f.must("deploy", application(t, "echo", "1.0.0", "echo", ""), "--device", "shed")

	_ = first.master.Close()
	if err := os.Remove(byID); err != nil {
		t.Fatal(err)
	}
	f.until("not connected", "invoke", "echo", "--device", "shed", "--data", "hello")
	plug(t, byID, board)
	f.until("hello", "invoke", "echo", "--device", "shed", "--data", "hello")
}
