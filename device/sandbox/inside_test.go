package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// insideName, as first argument, lets the test binary try things from within a
// sandbox and print what came of each: "mount: EPERM", "read=/etc/x: done".
const insideName = "fescue-test-inside"

// tryInside runs attempts within a sandbox and gives their outcomes.
func tryInside(t *testing.T, s *Sandbox, o Options, attempts ...string) map[string]string {
	t.Helper()
	self := publicSelf(t)
	o.Application = "app"
	o.Argv = append([]string{self, insideName}, attempts...)
	o.ReadOnly = append(o.ReadOnly, self)
	out, exit := run(t, s, o)
	outcomes := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		if at := strings.LastIndex(line, ": "); at > 0 {
			outcomes[line[:at]] = line[at+2:]
		}
	}
	if !exit.Success() || len(outcomes) != len(attempts) {
		t.Fatalf("attempts: %v, output:\n%s", exit, out)
	}
	return outcomes
}

// insideOptions give a script the variable that runs an attempt.
func insideOptions(t *testing.T, o Options, variable, attempt string) Options {
	t.Helper()
	self := publicSelf(t)
	o.Env = append(o.Env, variable+"="+self+" "+insideName+" "+attempt)
	o.ReadOnly = append(o.ReadOnly, self)
	return o
}

// publicSelf is the test's program where every user can execute it, also where nothing
// is shown to the sandbox but what the device has.
func publicSelf(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(publicDir(t), "self")
	if os.Link(self, path) == nil {
		return path
	}
	text, err := os.ReadFile(self)
	if err == nil {
		err = os.WriteFile(path, text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func inside(attempts []string) int {
	for _, attempt := range attempts {
		name, arg, _ := strings.Cut(attempt, "=")
		outcome := "done"
		if err := try(name, arg); err != nil {
			outcome = strings.ReplaceAll(err.Error(), ": ", " ")
			var errno unix.Errno
			if errors.As(err, &errno) {
				outcome = unix.ErrnoName(errno)
			}
		}
		fmt.Println(attempt + ": " + outcome)
	}
	return 0
}

func try(name, arg string) error {
	switch name {
	case "read":
		_, err := os.ReadFile(arg)
		return err
	case "list":
		_, err := os.ReadDir(arg)
		return err
	case "write":
		return os.WriteFile(arg, []byte("x"), 0o600)
	case "connect":
		c, err := net.DialTimeout("tcp", arg, time.Second)
		if err == nil {
			c.Close()
		}
		return err
	case "talk":
		return talk(arg)
	case "hold":
		c, err := net.Dial("tcp", arg)
		if err != nil {
			return err
		}
		_, _ = io.WriteString(c, "held\n")
		time.Sleep(time.Hour)
		return nil
	case "append":
		f, err := os.OpenFile(arg, os.O_WRONLY|unix.O_NOCTTY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.WriteString(f, "x")
		return err
	case "unix":
		c, err := net.DialTimeout("unix", arg, time.Second)
		if err == nil {
			c.Close()
		}
		return err
	case "kill":
		pid, _ := strconv.Atoi(arg)
		return unix.Kill(pid, unix.SIGKILL)
	case "signal":
		pid, _ := strconv.Atoi(arg)
		return unix.Kill(pid, unix.SIGCONT)
	case "setuid":
		return unix.Setuid(0)
	case "become-root":
		out, err := exec.Command(arg, "-u").Output()
		if err == nil && string(out) != "0\n" {
			err = errors.New("still another user")
		}
		return err
	case "ask":
		return ask(arg)
	case "files":
		return openMany(arg)
	case "forks":
		return forkMany(arg)
	case "fill":
		signal.Ignore(unix.SIGXFSZ)
		return os.WriteFile(arg, make([]byte, 3<<20), 0o600)
	case "again":
		return again(arg)
	case "own-socket":
		return ownSocket(arg)
	case "burn":
		return burn(arg)
	case "mknod":
		return unix.Mknod(arg, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3)))
	case "hog":
		n, _ := strconv.Atoi(arg)
		memory := make([]byte, n)
		for i := 0; i < n; i += 4096 {
			memory[i] = 1
		}
		return nil
	case "count-processes":
		return countProcesses(arg)
	}
	return trySystemCall(name, arg)
}

func countProcesses(most string) error {
	n, _ := strconv.Atoi(most)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil {
			n--
		}
	}
	if n < 0 {
		return errors.New("too many processes seen")
	}
	return nil
}

func trySystemCall(name, arg string) error {
	var errno unix.Errno
	switch name {
	case "queue":
		_, err := messageQueue(arg, unix.O_RDWR)
		return err
	case "shared-memory":
		key, _ := strconv.Atoi(arg)
		_, err := unix.SysvShmGet(key, 0, 0)
		return err
	case "chroot":
		return unix.Chroot(arg)
	case "mount":
		return unix.Mount("none", "/tmp", "tmpfs", 0, "")
	case "unshare":
		return unix.Unshare(unix.CLONE_NEWUTS)
	case "clone-user":
		var pid uintptr
		pid, _, errno = unix.RawSyscall6(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if pid == 0 && errno == 0 {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0) // the new process
		}
	case "clone3":
		_, _, errno = unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0)
	case "ptrace":
		pid, _ := strconv.Atoi(arg)
		return unix.PtraceAttach(pid)
	case "keyctl":
		_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, true)
		return err
	case "bpf":
		_, _, errno = unix.Syscall(unix.SYS_BPF, 0, 0, 0)
	case "perf":
		_, err := unix.PerfEventOpen(&unix.PerfEventAttr{}, 0, -1, -1, 0)
		return err
	case "userfaultfd":
		_, _, errno = unix.Syscall(unix.SYS_USERFAULTFD, 0, 0, 0)
	case "io_uring":
		var params [120]byte
		_, _, errno = unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
	case "tiocsti":
		b := byte('x')
		_, _, errno = unix.Syscall(unix.SYS_IOCTL, 0, unix.TIOCSTI, uintptr(unsafe.Pointer(&b)))
	case "socket":
		parts := strings.Split(arg, "/")
		family, _ := strconv.Atoi(parts[0])
		kind, _ := strconv.Atoi(parts[1])
		protocol, _ := strconv.Atoi(parts[2])
		_, err := unix.Socket(family, kind, protocol)
		return err
	default:
		return errors.New("unknown attempt")
	}
	if errno != 0 {
		return errno
	}
	return nil
}
