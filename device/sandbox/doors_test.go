package sandbox

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// echo listens on an address and answers each line with the line.
func echo(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// A program reaches what it was granted, by name and by address, as it would without
// a sandbox; and nothing else, not even on the same host.
func TestReach(t *testing.T) {
	s := open(t)
	granted, other := echo(t, "127.0.0.1:0"), echo(t, "127.0.0.1:0")
	o := Options{Reach: []spec.Endpoint{spec.Endpoint(fmt.Sprintf("localhost:%d", port(granted)))}}
	if can := s.ability(); !can.net || !can.mount {
		_, err := s.Start(t.Context(), o.with("true"))
		if !fail.Is(err, fail.Unsupported) || fail.HintOf(err) == "" {
			t.Errorf("where it cannot be enforced: %v", err)
		}
		return
	}
	own := address(t)
	beyond := echo(t, own+":0")
	o.Reach = append(o.Reach, spec.Endpoint(fmt.Sprintf("%s:%d", own, port(beyond))))
	want := map[string]string{
		fmt.Sprintf("talk=localhost:%d", port(granted)):  "done",
		fmt.Sprintf("talk=127.0.0.1:%d", port(granted)):  "done",
		fmt.Sprintf("talk=%s:%d", own, port(beyond)):     "done",
		fmt.Sprintf("connect=localhost:%d", port(other)): "ECONNREFUSED",
		fmt.Sprintf("connect=%s:%d", own, port(granted)): "ECONNREFUSED",
		"connect=192.0.2.1:80":                           "ENETUNREACH",
	}
	compare(t, want, tryInside(t, s, o, keys(want)...))
}

// Datagrams go through a door and back, each socket's to itself, also where TCP has the same
// port; others go nowhere.
func TestReachDatagrams(t *testing.T) {
	s := open(t)
	if can := s.ability(); !can.net || !can.mount {
		t.Skip("needs network and mount namespaces")
	}
	granted, other := echoPackets(t, "127.0.0.1:0"), echoPackets(t, "127.0.0.1:0")
	l := echo(t, granted.String())
	beyond := echoPackets(t, address(t)+":0")
	o := Options{Reach: []spec.Endpoint{
		spec.Endpoint(fmt.Sprintf("localhost:%d/udp", port(l))), spec.Endpoint(fmt.Sprintf("localhost:%d", port(l))), spec.Endpoint(beyond.String() + "/udp"),
	}}
	want := map[string]string{
		fmt.Sprintf("ask=localhost:%d", port(l)):  "done",
		fmt.Sprintf("ask=127.0.0.1:%d", port(l)):  "done",
		fmt.Sprintf("talk=localhost:%d", port(l)): "done",
		"ask=" + beyond.String():                  "done",
		"connect=" + beyond.String():              "ECONNREFUSED",
		"ask=" + other.String():                   "ECONNREFUSED",
		"ask=192.0.2.1:53":                        "ENETUNREACH",
	}
	compare(t, want, tryInside(t, s, o, keys(want)...))
}

// An endpoint of IPv6 is reached by its address, and by a name that has no other.
func TestReachIPv6(t *testing.T) {
	needsRoot(t)
	const child = "FESCUE_TEST_IPV6"
	if os.Getenv(child) == "" { // with a network and an /etc/hosts of its own
		run := exec.Command("/proc/self/exe", "-test.run=^TestReachIPv6$", "-test.v")
		run.Env = append(os.Environ(), child+"=1")
		run.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS}
		out, err := run.CombinedOutput()
		if err != nil || strings.Contains(string(out), "SKIP") {
			t.Logf("%s", out)
		}
		switch {
		case err != nil:
			t.Error(err)
		case strings.Contains(string(out), "SKIP"):
			t.Skip("see above")
		}
		return
	}
	const own = "2001:db8::7"
	if err := giveAddress(own); err != nil {
		t.Skip("needs IPv6: ", err)
	}
	eventually(t, "the address can be used", func() bool {
		l, err := net.Listen("tcp", "["+own+"]:0")
		return err == nil && l.Close() == nil
	})
	hosts := publicDir(t) + "/hosts"
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost\n"+own+" six.example\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, "")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s := open(t)
	if can := s.ability(); !can.net || !can.mount {
		t.Skip("needs network and mount namespaces")
	}
	first, second, third := echo(t, "["+own+"]:0"), echo(t, "["+own+"]:0"), echoPackets(t, "["+own+"]:0")
	closed := echo(t, "["+own+"]:0")
	o := Options{Reach: []spec.Endpoint{
		spec.Endpoint(first.Addr().String()), spec.Endpoint(second.Addr().String()), spec.Endpoint(third.String() + "/udp"),
		spec.Endpoint(fmt.Sprintf("six.example:%d", port(first))),
	}}
	for _, e := range o.Reach {
		if err := e.Validate(); err != nil {
			t.Error(err)
		}
	}
	want := map[string]string{
		"talk=" + first.Addr().String():                      "done",
		"talk=" + second.Addr().String():                     "done",
		"ask=" + third.String():                              "done",
		fmt.Sprintf("talk=six.example:%d", port(first)):      "done",
		"connect=" + closed.Addr().String():                  "ECONNREFUSED",
		fmt.Sprintf("connect=[2001:db8::8]:%d", port(first)): "ENETUNREACH",
	}
	compare(t, want, tryInside(t, s, o, keys(want)...))
}

// giveAddress sets up the interface lo of this network namespace, with one more address.
func giveAddress(address string) error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	up, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	up.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, up); err != nil {
		return err
	}
	request := struct { // in6_ifreq; lo is the first interface
		address [16]byte
		prefix  uint32
		index   int32
	}{netip.MustParseAddr(address).As16(), 128, 1}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFADDR, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return errno
	}
	return nil
}

func (o Options) with(script string) Options {
	o.Application, o.Argv, o.Env = "app", []string{"/bin/sh", "-c", script}, []string{"PATH=/usr/bin:/bin"}
	return o
}

// address is one of this machine's beside loopback.
func address(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	return "127.0.0.77"
}

// talk sends a line and expects it back, and then the end.
func talk(address string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		return err
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	text, err := io.ReadAll(c)
	if err == nil && string(text) != "hello\n" {
		err = fmt.Errorf("got %q", text)
	}
	return err
}

// Names have addresses of their own, in the program's hosts file; two ports of one name
// share one.
func TestDoorsOf(t *testing.T) {
	got := fmt.Sprint(doorsOf([]spec.Endpoint{"a.example:80", "b.example:80", "a.example:443", "localhost:80", "10.0.0.1:80", "a.example:53/udp", "[2001:db8::7]:53/udp"}))
	want := "[{a.example 127.64.0.1 80 false} {b.example 127.64.0.2 80 false} {a.example 127.64.0.1 443 false} {localhost 127.0.0.1 80 false} { 10.0.0.1 80 false} {a.example 127.64.0.1 53 true} { 2001:db8::7 53 true}]"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A name may be granted that resolves to this device: it does not open the device's
// own services, which trust who comes from loopback.
func TestNameOfThisDevice(t *testing.T) {
	s := open(t)
	if can := s.ability(); !can.net || !can.mount {
		t.Skip("needs network and mount namespaces")
	}
	service := echo(t, "127.0.0.1:0")
	name := "own.localhost" // resolves to loopback by convention, here by the device's hosts or not at all
	e := fmt.Sprintf("%s:%d", name, port(service))
	o := Options{Reach: []spec.Endpoint{spec.Endpoint(e)}}
	outcome := tryInside(t, s, o, "talk="+e)["talk="+e]
	if outcome == "done" {
		t.Errorf("the device's own service answered: %s", outcome)
	}
}

// All connections, and all that the agent holds for them, end with the program.
func TestDoorsEndWithTheProgram(t *testing.T) {
	s := open(t)
	if can := s.ability(); !can.net || !can.mount {
		t.Skip("needs network and mount namespaces")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := insideOptions(t, Options{Reach: []spec.Endpoint{spec.Endpoint(fmt.Sprintf("localhost:%d", port(l)))}}.with("$TRY & sleep 1000"), "TRY", fmt.Sprintf("hold=localhost:%d", port(l)))
	p := start(t, s, o)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("%q, %v", line, err)
	}
	p.Terminate(0)
	wait(t, p)
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection outlives the program")
	}
}

// A device that is granted can be used, by a user who owns nothing of it; others are
// not there, and disks cannot be granted.
func TestDevices(t *testing.T) {
	s := open(t)
	controller, path := terminal(t)
	o := Options{Devices: []spec.DevicePath{spec.DevicePath(path)}}
	for d, kind := range map[spec.DevicePath]fail.Kind{"/dev/nothere": fail.NotFound, "/dev/pts": fail.Invalid, "/dev/../etc/passwd": fail.Invalid} {
		o := Options{Devices: []spec.DevicePath{d}}.with("true")
		if _, err := s.Start(t.Context(), o); !fail.Is(err, kind) {
			t.Errorf("%s: %v", d, err)
		}
	}
	if os.Geteuid() != 0 || !s.ability().mount {
		return // who owns the terminal decides
	}
	if err := os.Chown(path, 0, 5); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o620); err != nil {
		t.Fatal(err)
	}
	attempt := "append=" + path
	if got := tryInside(t, s, o, attempt)[attempt]; got != "done" {
		t.Errorf("the device that was granted: %s", got)
	}
	line, err := bufio.NewReader(controller).ReadString('x')
	if err != nil || !strings.HasSuffix(line, "x") {
		t.Errorf("came out of the device: %q, %v", line, err)
	}
	if got := tryInside(t, s, Options{}, attempt)[attempt]; got != "ENOENT" {
		t.Errorf("without the grant: %s", got)
	}
}

// terminal makes a pseudo-terminal: a character device that every machine has.
func terminal(t *testing.T) (controller *os.File, path string) {
	t.Helper()
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("needs a pseudo-terminal: ", err)
	}
	t.Cleanup(func() { _ = f.Close() })
	n, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(f.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f, fmt.Sprintf("/dev/pts/%d", n)
}
