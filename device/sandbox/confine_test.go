package sandbox

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// In mode sandbox a program has what it was given and nothing else.
func TestSandboxHides(t *testing.T) {
	s := open(t)
	needs(t, s, "a mount namespace", s.ability().mount)
	secret := filepath.Join(publicDir(t), "secret")
	if err := os.WriteFile(secret, []byte("of another application"), 0o666); err != nil {
		t.Fatal(err)
	}
	code := publicDir(t)
	if err := os.WriteFile(code+"/main", []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(code, 0o777); err != nil {
		t.Fatal(err)
	}
	data := dataDir(t, s, "app")
	o := Options{ReadOnly: []string{code}, ReadWrite: []string{data}}
	want := map[string]string{
		"read=/etc/shadow":             "ENOENT",
		"read=/etc/machine-id":         "ENOENT",
		"read=/etc/passwd":             "done",
		"write=/etc/passwd":            "EROFS", // also EACCES, see below
		"read=" + secret:               "ENOENT",
		"list=" + s.config.State:       "ENOENT",
		"list=/sys":                    "ENOENT",
		"list=/var/lib":                "ENOENT",
		"list=/usr/lib":                "done",
		"write=/usr/x":                 "EROFS",
		"write=/x":                     "EROFS",
		"read=" + code + "/main":       "done",
		"write=" + code + "/main":      "EROFS",
		"write=" + data + "/new":       "done",
		"write=/tmp/own":               "done",
		"write=/dev/shm/own":           "done",
		"write=/dev/null":              "done",
		"write=/dev/other":             "EROFS",
		"count-processes=2":            "done",
		"read=/proc/1/environ":         "EACCES",
		"list=/proc/1/root":            "EACCES",
		"write=/proc/sys/kernel/panic": "EROFS",
	}
	compare(t, want, tryInside(t, s, o, keys(want)...))
	if _, err := os.Stat("/tmp/own"); err == nil {
		t.Error("/tmp is shared")
	}
	info, err := os.Stat(data + "/new")
	if err != nil {
		t.Fatal(err)
	}
	if uid, _, _ := s.UserFor("app"); int(info.Sys().(*syscall.Stat_t).Uid) != uid {
		t.Errorf("written by user %d, want %d", info.Sys().(*syscall.Stat_t).Uid, uid)
	}
}

// Calls that are a way out, or harm the device, are refused and do not kill.
func TestSandboxRefusesCalls(t *testing.T) {
	s := open(t)
	want := map[string]string{
		"mount":                                  "EPERM",
		"unshare":                                "EPERM",
		"clone-user":                             "EPERM",
		"clone3":                                 "ENOSYS",
		"ptrace=1":                               "EPERM",
		"keyctl":                                 "EPERM",
		"bpf":                                    "EPERM",
		"perf":                                   "EPERM",
		"userfaultfd":                            "EPERM",
		"io_uring":                               "ENOSYS",
		"tiocsti":                                "EPERM",
		"setuid":                                 "EPERM",
		socket(unix.AF_PACKET, unix.SOCK_RAW, 0): "EAFNOSUPPORT",
		socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0):                 "EAFNOSUPPORT",
		socket(unix.AF_ALG, unix.SOCK_SEQPACKET, 0):                "EAFNOSUPPORT",
		socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT): "EAFNOSUPPORT",
		socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE): "done",
		socket(unix.AF_UNIX, unix.SOCK_STREAM, 0):                  "done",
		"mknod=/tmp/device": "EPERM",
	}
	if os.Geteuid() != 0 && s.ability().user {
		want["setuid"] = "EINVAL" // its user namespace has no root
	}
	if s.ability().net {
		want[socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)] = "EPERM"
		want[socket(unix.AF_INET, unix.SOCK_DGRAM, 0)] = "done"
	} else {
		want[socket(unix.AF_INET, unix.SOCK_DGRAM, 0)] = "EAFNOSUPPORT"
	}
	compare(t, want, tryInside(t, s, Options{}, keys(want)...))
}

func socket(family, kind, protocol int) string {
	return fmt.Sprintf("socket=%d/%d/%d", family, kind, protocol)
}

// Processes of the device cannot be seen, signalled or traced.
func TestSandboxPartsProcesses(t *testing.T) {
	s := open(t)
	needs(t, s, "a PID namespace", s.ability().pid)
	victim := exec.Command("sleep", "1000")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = victim.Process.Kill(); _ = victim.Wait() })
	pid := strconv.Itoa(victim.Process.Pid)
	want := map[string]string{"kill=" + pid: "ESRCH", "list=/proc/" + pid: "ENOENT", "kill=1": "EPERM"}
	if os.Geteuid() != 0 {
		want["kill=1"] = "done" // its own init has its own user; the kernel ignores the signal
	}
	compare(t, want, tryInside(t, s, Options{}, keys(want)...))
	if !alive(pid) {
		t.Error("the victim is dead")
	}
}

func TestNetwork(t *testing.T) {
	s := open(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	connect := "connect=" + listener.Addr().String()
	path := filepath.Join(publicDir(t), "exchange.sock")
	exchange, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer exchange.Close()
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	o := Options{ReadOnly: []string{path}}
	refused := "ECONNREFUSED"
	if !s.ability().net {
		refused = "EAFNOSUPPORT"
	}
	want := map[string]string{connect: refused, "unix=" + path: "done"}
	compare(t, want, tryInside(t, s, o, keys(want)...))
	o.Network = NetworkHost
	want[connect] = "done"
	compare(t, want, tryInside(t, s, o, keys(want)...))
}

// Within a folder of its own, an application can put a link where a path is shown
// next time; the link must not decide what is shown.
func TestSymbolicLinkIsNotShown(t *testing.T) {
	s := open(t)
	needs(t, s, "a mount namespace", s.ability().mount)
	data := dataDir(t, s, "app")
	if err := os.Symlink("/etc", data+"/code"); err != nil {
		t.Fatal(err)
	}
	o := shell("ls " + data + "/code")
	o.ReadWrite = []string{data}
	o.ReadOnly = []string{data + "/code"}
	if p, err := s.Start(t.Context(), o); err == nil {
		p.Wait()
		t.Error("a link of the application's own was followed")
	}
	// Within, the link leads to the sandbox's own /etc.
	o.ReadOnly = nil
	o.Argv[2] = "cat " + data + "/code/shadow; ls " + data + "/code"
	if out, _ := run(t, s, o); !strings.Contains(out, "No such file") || strings.Contains(out, "machine-id") {
		t.Errorf("seen through the link: %s", out)
	}
}

// A program that is set-user-id root stays what it is.
func TestSetUserIDHasNoEffect(t *testing.T) {
	needsRoot(t)
	s := open(t)
	dir := publicDir(t)
	id, err := os.ReadFile("/usr/bin/id")
	if err != nil {
		t.Skip("needs /usr/bin/id: ", err)
	}
	if err := os.WriteFile(dir+"/id", id, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir+"/id", 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	uid, _, err := s.UserFor("app")
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range modes[:2] {
		o := shell("./id -u; grep -E 'Cap|NoNew|Groups' /proc/self/status")
		o.Mode, o.Dir = mode, dir
		out, exit := run(t, s, o)
		if !exit.Success() || !strings.HasPrefix(out, strconv.Itoa(uid)+"\n") {
			t.Errorf("%s: %s%v", mode, out, exit)
		}
		if strings.Count(out, "0000000000000000") != 5 || !strings.Contains(out, "NoNewPrivs:\t1") {
			t.Errorf("%s: capabilities are left:\n%s", mode, out)
		}
	}
}

// Inner paths override outer ones, both ways.
func TestNestedPaths(t *testing.T) {
	s := open(t)
	needs(t, s, "a mount namespace", s.ability().mount)
	data := dataDir(t, s, "app")
	outer := filepath.Dir(data)
	for _, dir := range []string{data + "/fixed", outer + "/other"} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{ReadOnly: []string{data + "/fixed", outer}, ReadWrite: []string{data}}
	want := map[string]string{
		"write=" + outer + "/other/x": "EROFS",
		"write=" + data + "/x":        "done",
		"write=" + data + "/fixed/x":  "EROFS",
	}
	compare(t, want, tryInside(t, s, o, keys(want)...))
}

func TestPrivateTemporaryIsBounded(t *testing.T) {
	s, err := New(Config{State: filepath.Join(publicDir(t), "state"), Temporary: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	needs(t, s, "a mount namespace", s.ability().mount)
	out, exit := run(t, s, shell("head -c 2000000 /dev/zero > /tmp/big"))
	if exit.Success() || !strings.Contains(out, "No space left") {
		t.Errorf("%v: %s", exit, out)
	}
}

// Modes user and root see the device, with the processes of their own.
func TestModesWithoutView(t *testing.T) {
	s := open(t)
	dir := publicDir(t)
	if err := os.WriteFile(dir+"/file", []byte("seen"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, mode := range modes[1:] {
		o := shell("cat " + dir + "/file; id -u; ls /proc | grep -c '^[0-9]'")
		o.Mode = mode
		uid, _, _ := s.UserFor("app")
		if mode == "root" {
			uid = os.Geteuid()
		}
		out, exit := run(t, s, o)
		lines := strings.Split(out, "\n")
		if !exit.Success() || lines[0] != "seen"+strconv.Itoa(uid) {
			t.Errorf("%s: %v: %s", mode, exit, out)
		}
		if n, _ := strconv.Atoi(lines[1]); s.ability().mount && n > 5 {
			t.Errorf("%s sees %d processes", mode, n)
		}
	}
}

func compare(t *testing.T, want, got map[string]string) {
	t.Helper()
	for attempt, outcome := range want {
		// Whether rights or the read-only mount refuse first hangs on the file.
		if got[attempt] != outcome && !(outcome == "EROFS" && (got[attempt] == "EACCES" || got[attempt] == "EPERM")) {
			t.Errorf("%s: %s, want %s", attempt, got[attempt], outcome)
		}
	}
}

func keys(m map[string]string) []string {
	var k []string
	for key := range m {
		k = append(k, key)
	}
	return k
}
