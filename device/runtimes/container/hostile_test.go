package container_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// try does what a hostile program would, and tells what came of it.
func try(what string) []byte {
	result := func(err error) []byte {
		if err == nil {
			return []byte("done")
		}
		return []byte("refused: " + err.Error())
	}
	switch what {
	case "mount":
		return result(unix.Mount("none", "/tmp", "tmpfs", 0, ""))
	case "namespace":
		return result(unix.Unshare(unix.CLONE_NEWUSER))
	case "ptrace":
		return result(unix.PtraceAttach(1))
	case "raw":
		_, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
		return result(err)
	case "vsock":
		_, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)
		return result(err)
	case "key":
		_, err := unix.AddKey("user", "fescue", []byte("x"), unix.KEY_SPEC_SESSION_KEYRING)
		return result(err)
	case "chown":
		return result(os.Chown("/tmp", 1, 1))
	case "setuid":
		return result(syscall.Setuid(1))
	case "device":
		return result(unix.Mknod("/tmp/sda", unix.S_IFBLK|0o600, int(unix.Mkdev(8, 0))))
	case "connect":
		c, err := net.DialTimeout("tcp", "192.0.2.1:80", time.Second)
		if err == nil {
			_ = c.Close()
		}
		return result(err)
	case "rights":
		status, err := os.ReadFile("/proc/self/status")
		var facts []string
		for line := range strings.Lines(string(status)) {
			for _, key := range []string{"CapEff", "CapBnd", "NoNewPrivs", "Seccomp:"} {
				if strings.HasPrefix(line, key) {
					facts = append(facts, strings.Join(strings.Fields(line), " "))
				}
			}
		}
		if err != nil {
			return result(err)
		}
		return []byte(strings.Join(facts, ", "))
	case "processes":
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return result(err)
		}
		n := 0
		for _, e := range entries {
			if e.Name()[0] >= '1' && e.Name()[0] <= '9' {
				n++
			}
		}
		return fmt.Append(nil, n)
	}
	return []byte("no such trick")
}

// A hostile program in an image gets no further than one outside of images, with either engine.
func TestHostileProgram(t *testing.T) {
	for _, engine := range []string{"crun", "runc"} {
		t.Run(engine, func(t *testing.T) {
			w := load(t, engine, "handler: /bin/function\n", image(t, "function")).Start(t)
			for _, trick := range []string{"mount", "namespace", "ptrace", "raw", "vsock", "key", "chown", "setuid", "device", "connect"} {
				got, err := w.Call("try "+trick, time.Minute)
				if err != nil || !strings.HasPrefix(got, "refused: ") {
					t.Errorf("%s: %q, %v", trick, got, err)
				}
			}
			w.Answers(t, "try rights", "CapEff: 0000000000000000, CapBnd: 0000000000000000, NoNewPrivs: 1, Seccomp: 2")
			w.Answers(t, "try processes", "1")
		})
	}
}
