package sandbox

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/spec"
)

// family is a script whose processes are hard to end: a child that ignores
// SIGTERM, one in a session of its own, and a daemon that was forked twice.
const family = `sh -c 'trap "" TERM; while :; do sleep 1000; done' &
setsid sh -c 'sleep 1000; :' &
(setsid sh -c 'trap "" TERM; while :; do sleep 1000; done' &)
`

func TestTerminateEndsPlainService(t *testing.T) {
	s := open(t)
	program, prefix := python(t)
	for _, mode := range modes {
		if mode == spec.ModeUser && os.Geteuid() == 0 && strings.HasPrefix(prefix, "/root") {
			t.Log("mode user: this python3 is root's alone")
			continue
		}
		o := shell("")
		o.Argv = []string{program, "-c", "import time; print('up', flush=True); time.sleep(1000)"}
		o.Mode = mode
		o.ReadOnly = []string{prefix}
		p, line := startAndRead(t, s, o)
		if line != "up\n" {
			t.Fatalf("%s: %q", mode, line)
		}
		began := time.Now()
		exit := p.Terminate(10 * time.Second)
		if took := time.Since(began); exit.Signal != syscall.SIGTERM || !exit.Terminated || took > 2*time.Second {
			t.Errorf("%s: %v after %v", mode, exit, took)
		} else {
			t.Logf("%s: %v after %v", mode, exit, took)
		}
	}
}

// startAndRead starts a program and gives the first bytes that it writes.
func startAndRead(t testing.TB, s *Sandbox, o Options) (*Process, string) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	o.Stdout = write
	p := start(t, s, o)
	write.Close()
	if err := read.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 256)
	n, err := read.Read(buffer)
	if err != nil {
		t.Fatalf("the program wrote nothing: %v", err)
	}
	return p, string(buffer[:n])
}

// A service that shuts down in order has the time that it was given, also when a
// shell is its first process.
func TestTerminateLetsChildrenFinish(t *testing.T) {
	s := open(t)
	data := dataDir(t, s, "app")
	o := shell(`sh -c 'trap "sleep 0.2; echo saved > ` + data + `/state; exit 0" TERM; echo up; while :; do sleep 0.05; done'; :`)
	o.ReadWrite = []string{data}
	p, _ := startAndRead(t, s, o)
	exit := p.Terminate(10 * time.Second)
	if text, err := os.ReadFile(data + "/state"); err != nil || string(text) != "saved\n" {
		t.Errorf("%q, %v after %v", text, err, exit)
	}
}

func TestTerminateEndsEverything(t *testing.T) {
	s := open(t)
	for _, mode := range modes {
		mark := fmt.Sprintf("FESCUE_TEST_MARK=%d-%s", time.Now().UnixNano(), mode)
		o := shell(family + "trap '' TERM; echo up; while :; do sleep 1000; done")
		o.Mode = mode
		o.Env = append(o.Env, mark)
		p, _ := startAndRead(t, s, o)
		eventually(t, "seven processes", func() bool { return len(marked(mark)) >= 7 })
		began := time.Now()
		exit := p.Terminate(200 * time.Millisecond)
		took := time.Since(began)
		if exit.Signal != syscall.SIGKILL || took > 5*time.Second {
			t.Errorf("%s: %v after %v", mode, exit, took)
		}
		if left := marked(mark); len(left) > 0 {
			t.Errorf("%s: left over: %v", mode, left)
		}
	}
}

// When the first process ends, what it started is ended too.
func TestEndOfProgramEndsEverything(t *testing.T) {
	s := open(t)
	for _, mode := range modes {
		mark := fmt.Sprintf("FESCUE_TEST_MARK=%d-%s", time.Now().UnixNano(), mode)
		o := shell(family + "exit 4")
		o.Mode = mode
		o.Env = append(o.Env, mark)
		if exit := wait(t, start(t, s, o)); exit.Code != 4 {
			t.Errorf("%s: %v", mode, exit)
		}
		if left := marked(mark); len(left) > 0 {
			t.Errorf("%s: left over: %v", mode, left)
		}
	}
}

func TestKilledAgentLeavesNothing(t *testing.T) {
	for _, mode := range modes {
		mark := fmt.Sprintf("FESCUE_TEST_MARK=%d-%s", time.Now().UnixNano(), mode)
		state := publicDir(t) + "/state"
		cmd := startAgent(t, state, string(mode), "export "+mark+"\n"+family+"trap '' TERM; while :; do sleep 1000; done")
		eventually(t, "processes", func() bool { return len(marked(mark)) >= 3 })
		began := time.Now()
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the end of all processes", func() bool { return len(marked(mark)) == 0 })
		t.Logf("%s: all gone after %v", mode, time.Since(began))
		_ = cmd.Wait()
		folders := readFolders(state)
		s := openAt(t, state)
		if err := s.Sweep(t.Context()); err != nil {
			t.Error(err)
		}
		for _, folder := range folders {
			if _, err := os.Stat(folder + "/app"); err == nil {
				t.Errorf("%s: control group %s is left over", mode, folder)
			}
		}
	}
}

// Sweep ends marked processes of an earlier run of the same state, and no others.
func TestSweepEndsMarkedProcesses(t *testing.T) {
	s := open(t)
	own := start(t, s, shell("sleep 1000"))
	launch := func(marker string) *os.Process {
		p, err := os.StartProcess("/bin/sleep", []string{"sleep", "1000"}, &os.ProcAttr{Env: []string{marker}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Kill(); _, _ = p.Wait() })
		return p
	}
	old := launch(instanceVariable + "=" + s.instance.id + ".0badcafe")
	other := launch(instanceVariable + "=0123456789abcdef.0badcafe")
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state, err := old.Wait(); err != nil || state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("of an earlier run: %v, %v", state, err)
	}
	if !alive(strconv.Itoa(other.Pid)) || !alive(strconv.Itoa(own.Pid())) {
		t.Error("swept too much")
	}
	own.Terminate(0)
}

func TestPid(t *testing.T) {
	s := open(t)
	for _, mode := range modes {
		o := shell("exec sleep 1000")
		o.Mode = mode
		p := start(t, s, o)
		eventually(t, "sleep", func() bool {
			text, err := os.ReadFile("/proc/" + strconv.Itoa(p.Pid()) + "/comm")
			return err == nil && string(text) == "sleep\n"
		})
		if exit := p.Terminate(time.Second); exit.Signal != syscall.SIGTERM {
			t.Errorf("%s: %v", mode, exit)
		}
	}
}

func TestZombiesAreReaped(t *testing.T) {
	s := open(t)
	o := shell(`i=0; while [ $i -lt 200 ]; do (sh -c 'exit 0' &); i=$((i+1)); done
		n=0; while cat /proc/[0-9]*/stat 2>/dev/null | grep -q ') Z '; do n=$((n+1)); [ $n -gt 500 ] && exit 1; sleep 0.01; done; exit 0`)
	o.Mode = spec.ModeUser
	if out, exit := run(t, s, o); !exit.Success() {
		t.Errorf("zombies stay: %v\n%s", exit, out)
	}
}

// The program gets its own descriptors and no other, whatever the agent has open.
func TestDescriptors(t *testing.T) {
	s := open(t)
	leak, err := unix.Open("/dev/null", unix.O_RDONLY, 0) // without close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(leak)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	for _, mode := range modes {
		o := shell(`i=0; while [ $i -lt 100 ]; do [ -e /proc/self/fd/$i ] && printf '%s ' $i; i=$((i+1)); done; echo through >&4; read x <&0 || echo empty`)
		o.Mode = mode
		o.Files = []*os.File{read, write}
		out, exit := run(t, s, o)
		if want := "0 1 2 3 4 empty\n"; !exit.Success() || out != want {
			t.Errorf("%s: %q (%v), want %q", mode, out, exit, want)
		}
		buffer := make([]byte, 16)
		if n, err := read.Read(buffer); err != nil || string(buffer[:n]) != "through\n" {
			t.Errorf("%s: descriptor 4: %q, %v", mode, buffer[:n], err)
		}
	}
}

func TestAgentLeaksNoDescriptors(t *testing.T) {
	s := open(t)
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	run(t, s, shell("exit 0"))
	before := count()
	for range 20 {
		run(t, s, shell("exit 0"))
		if _, err := s.Start(t.Context(), shell("")); err != nil {
			t.Fatal(err)
		}
		bad := shell("")
		bad.Argv = []string{"/none"}
		if _, err := s.Start(t.Context(), bad); err == nil {
			t.Fatal("started nothing")
		}
	}
	eventually(t, "as many descriptors as before", func() bool { return count() <= before })
}

func TestMuchOutput(t *testing.T) {
	s := open(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	o := shell("head -c 1000000000 /dev/zero")
	o.Stdout = write
	p := start(t, s, o)
	write.Close()
	n, err := io.Copy(io.Discard, read)
	if exit := wait(t, p); n != 1_000_000_000 || err != nil || !exit.Success() {
		t.Errorf("%d bytes, %v, %v", n, err, exit)
	}
}

// A program whose output nobody takes is ended all the same.
func TestTerminateBlockedWriter(t *testing.T) {
	s := open(t)
	o := shell("cat /dev/zero")
	p, _ := startAndRead(t, s, o)
	if exit := p.Terminate(5 * time.Second); exit.Signal != syscall.SIGTERM {
		t.Error(exit)
	}
}

// A process that is forked while its parent holds signals back, as a shell does for each
// that it forks, is told when the parent has ended.
func TestTerminateTellsThoseForkedMeanwhile(t *testing.T) {
	perl, err := exec.LookPath("perl")
	if err != nil {
		t.Skip(err)
	}
	s := open(t)
	for _, mode := range modes {
		o := shell("")
		o.Mode = mode
		o.Argv = []string{perl, "-MPOSIX", "-e", `
			my $term = POSIX::SigSet->new(SIGTERM);
			sigprocmask(SIG_BLOCK, $term);
			$| = 1;
			print "up\n";
			my $waits = POSIX::SigSet->new;
			do { select(undef, undef, undef, 0.01); sigpending($waits) } until $waits->ismember(SIGTERM);
			fork;
			sigprocmask(SIG_UNBLOCK, $term); # the parent has it, the child does not
			sleep 1000`}
		p, line := startAndRead(t, s, o)
		if line != "up\n" {
			t.Fatalf("%s: %q", mode, line)
		}
		if exit := p.Terminate(10 * time.Second); exit.Signal != syscall.SIGTERM {
			t.Errorf("%s: %v", mode, exit)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	s := open(t)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			o := shell("exit " + strconv.Itoa(i))
			o.Application = spec.Name("app-" + strconv.Itoa(i%4))
			if exit := wait(t, start(t, s, o)); exit.Code != i {
				t.Errorf("%d: %v", i, exit)
			}
			p := start(t, s, shell("sleep 1000"))
			var calls sync.WaitGroup
			for range 4 {
				calls.Go(func() {
					if exit := p.Terminate(5 * time.Second); exit.Signal != syscall.SIGTERM {
						t.Errorf("%d: %v", i, exit)
					}
				})
			}
			calls.Wait()
		})
	}
	group.Wait()
}

func TestTerminateAfterEnd(t *testing.T) {
	s := open(t)
	p := start(t, s, shell("exit 5"))
	wait(t, p)
	if exit := p.Terminate(time.Hour); exit.Code != 5 || exit.Terminated {
		t.Errorf("%+v", exit)
	}
	if !strings.Contains(p.Wait().String(), "status 5") {
		t.Error(p.Wait())
	}
}
