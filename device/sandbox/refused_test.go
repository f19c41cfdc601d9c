package sandbox

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/device/sandbox/cgroup"
	"fescue.dev/fescue/spec"
)

// told gathers what an agent is told.
type told struct {
	mu    sync.Mutex
	count map[string]uint64
}

func (o *told) refused(r Refusal) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count == nil {
		o.count = map[string]uint64{}
	}
	o.count[r.What] += r.Count
}

func needsTelling(t *testing.T, s *Sandbox) {
	t.Helper()
	if can := s.ability(); !s.tells || !can.net || !can.pid {
		t.Skip("needs namespaces, and a filter that tells")
	}
}

// What the kernel refuses is refused as ever, and told; what it allows is not.
func TestRefusalsAreTold(t *testing.T) {
	s := open(t)
	needsTelling(t, s)
	device := echo(t, "127.0.0.1:0")
	granted := spec.Endpoint(fmt.Sprintf("localhost:%d", port(echo(t, "127.0.0.1:0"))))
	elsewhere := net.JoinHostPort("127.0.0.1", strconv.Itoa(port(device)))
	attempts := map[string]string{
		"mount":                                  "system call mount",
		"unshare":                                "system call unshare",
		"ptrace=1":                               "system call ptrace",
		"keyctl":                                 "system call keyctl",
		"bpf":                                    "system call bpf",
		"clone-user":                             "a namespace of its own",
		"tiocsti":                                "input to its terminal",
		"setuid":                                 "to become root",
		"mknod=/tmp/disk":                        "a device file",
		"unix=@elsewhere":                        `connection to the socket "@elsewhere"`,
		"ask=192.0.2.1:53":                       "connection to 192.0.2.1:53",
		"connect=" + elsewhere:                   "connection to " + elsewhere,
		"connect=[2001:db8::1]:443":              "connection to [2001:db8::1]:443",
		socket(unix.AF_PACKET, unix.SOCK_RAW, 0): "a socket of family 17",
		socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP): "a raw socket",
		// Not refused, or nothing that anybody could do harm with.
		"connect=" + string(granted):             "",
		"clone3":                                 "",
		"io_uring":                               "",
		"read=/etc/passwd":                       "",
		"own-socket=tcp":                         "",
		"own-socket=udp":                         "",
		"own-socket=unix":                        "",
		socket(unix.AF_INET, unix.SOCK_DGRAM, 0): "",
	}
	var got told
	o := Options{Refused: got.refused, Reach: []spec.Endpoint{granted}}
	outcomes := tryInside(t, s, o, keys(attempts)...)
	for attempt, what := range attempts {
		if what == "" {
			continue
		}
		if outcomes[attempt] == "done" {
			t.Errorf("%s: done", attempt)
		}
		if got.count[what] == 0 { // a library may ask for each of its threads
			t.Errorf("%s: not told: %q", attempt, what)
		}
		delete(got.count, what)
	}
	for what := range got.count {
		t.Errorf("told without reason: %s", what)
	}
}

// Who meets its limit of processes is told of, when usage is read and at the end.
func TestRefusedForksAreTold(t *testing.T) {
	s := open(t)
	needs(t, s, "process control groups", s.groups.Has(cgroup.Processes))
	var got told
	o := shell("for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; echo up; wait")
	o.Limits.Processes, o.Refused = 6, got.refused
	p := start(t, s, o)
	const what = "a process or thread beyond limits.processes, 6"
	eventually(t, what, func() bool {
		s.Usage()
		got.mu.Lock()
		defer got.mu.Unlock()
		return got.count[what] > 0
	})
	p.Terminate(0)
}

// Repetitions are counted, and a program that never stops is told of in few words.
func TestRefusalsAreFew(t *testing.T) {
	s := open(t)
	needsTelling(t, s)
	var mu sync.Mutex
	messages, times := 0, uint64(0)
	o := Options{Refused: func(r Refusal) {
		mu.Lock()
		defer mu.Unlock()
		messages, times = messages+1, times+r.Count
	}}
	const many = 1000
	attempts := []string{"again=1000"}
	for i := range 40 {
		attempts = append(attempts, fmt.Sprintf("connect=192.0.2.%d:80", i))
	}
	tryInside(t, s, o, attempts...)
	if times != many+40 {
		t.Errorf("told of %d refusals, want %d", times, many+40)
	}
	// Each of the first 32 at once, the others as others; then what came in between.
	if messages > 32+1+2+2 {
		t.Errorf("told in %d messages", messages)
	}
}

// again has a system call refused many times, from several threads.
func again(count string) error {
	n, _ := strconv.Atoi(count)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range n / 4 {
				_ = unix.PtraceAttach(1)
			}
		})
	}
	wait.Wait()
	return nil
}

// ownSocket connects to what the program itself listens at.
func ownSocket(network string) error {
	address := "127.0.0.1:0"
	switch network {
	case "unix":
		address = "@own"
	case "udp":
		l, err := net.ListenPacket(network, address)
		if err != nil {
			return err
		}
		defer l.Close()
		c, err := net.Dial(network, l.LocalAddr().String())
		if err == nil {
			c.Close()
		}
		return err
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := net.DialTimeout(network, strings.Replace(l.Addr().String(), "127.0.0.1", "localhost", 1), time.Minute)
	if err == nil {
		c.Close()
	}
	return err
}
