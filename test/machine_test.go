// Package test drives the whole of Fescue as a user does: the real binary in a
// process of its own, commands through the CLI, faults by signal. Nothing in it
// reaches into a package.
package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of these tests; it is generous because machines
// that build and test are slow and shared.
const patience = 60 * time.Second

var binary string // set once by TestMain

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "fescue-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "fescue")
	build := exec.Command("go", "build", "-o", binary, "../cmd/fescue")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	status := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(status)
}

// machine is a state directory and, most of the time, a `fescue up` on it.
type machine struct {
	t     *testing.T
	state string
	args  []string
	up    *exec.Cmd
	ended chan struct{}
	log   *output
}

// newMachine starts `fescue up` with further arguments, and ends it with the test.
func newMachine(t *testing.T, args ...string) *machine {
	t.Helper()
	// Not t.TempDir: a Unix socket's path has at most 107 bytes.
	state, err := os.MkdirTemp("", "fm")
	if err != nil {
		t.Fatal(err)
	}
	// The sandbox's users must be able to pass through to their own directories.
	if err := os.Chmod(state, 0o711); err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, state: state, args: args}
	t.Cleanup(func() {
		m.terminate()
		if t.Failed() {
			t.Logf("log of fescue up:\n%s", tail(m.log.String(), 60))
		}
		os.RemoveAll(state)
	})
	m.start()
	return m
}

// start runs `fescue up` and waits until it answers.
func (m *machine) start() {
	m.t.Helper()
	m.launch()
	m.waitReady()
}

// launch runs `fescue up` and returns at once.
func (m *machine) launch() {
	m.t.Helper()
	os.Remove(filepath.Join(m.state, "server", "url"))
	args := append([]string{"up", "--state", m.state, "--listen", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--device", "testdevice", "-v"}, m.args...)
	m.up = exec.Command(binary, args...)
	m.log = &output{}
	m.up.Stdout, m.up.Stderr = m.log, m.log
	if err := m.up.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.ended = make(chan struct{})
	go func(up *exec.Cmd, ended chan struct{}) {
		up.Wait()
		close(ended)
	}(m.up, m.ended)
}

func (m *machine) waitReady() {
	m.t.Helper()
	m.eventually("fescue up answers", func() error {
		select {
		case <-m.ended:
			m.t.Fatalf("fescue up ended: %v\n%s", m.up.ProcessState, m.log)
		default:
		}
		out, err := m.try("status")
		if err != nil {
			return err
		}
		return contains(out, ", connected")
	})
}

// kill ends `fescue up` as a power cut would.
func (m *machine) kill() {
	m.t.Helper()
	m.signal(syscall.SIGKILL)
}

// terminate asks `fescue up` to end, and returns how long it took.
func (m *machine) terminate() time.Duration {
	m.t.Helper()
	begun := time.Now()
	m.signal(syscall.SIGTERM)
	return time.Since(begun)
}

func (m *machine) signal(s syscall.Signal) {
	m.t.Helper()
	if m.up == nil {
		return
	}
	select {
	case <-m.ended:
		return
	default:
	}
	m.up.Process.Signal(s)
	select {
	case <-m.ended:
	case <-time.After(patience):
		m.up.Process.Kill()
		m.t.Fatalf("fescue up did not end within %v of signal %v\n%s", patience, s, m.log)
	}
}

// result is how a command of the CLI ended.
type result struct {
	stdout, stderr string
	status         int
}

// cli runs a command to its end, whatever that is.
func (m *machine) cli(args ...string) result {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), "FESCUE_STATE="+m.state)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatalf("fescue %s: %v", strings.Join(args, " "), err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

func (m *machine) try(args ...string) (string, error) {
	m.t.Helper()
	r := m.cli(args...)
	if r.status != 0 {
		return r.stdout, fmt.Errorf("fescue %s: exit status %d\n%s%s", strings.Join(args, " "), r.status, r.stdout, r.stderr)
	}
	return r.stdout, nil
}

// must runs a command that has to succeed and returns its output.
func (m *machine) must(args ...string) string {
	m.t.Helper()
	out, err := m.try(args...)
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

// record runs a command with -o json and decodes what it prints.
func (m *machine) record(into any, args ...string) {
	m.t.Helper()
	out := m.must(append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		m.t.Fatalf("%v in %s", err, out)
	}
}

// eventually polls until check returns nil.
func (m *machine) eventually(what string, check func() error) {
	m.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("not within %v: %s: %v", patience, what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// application writes files into a new directory and returns it.
func (m *machine) application(files map[string]string) string {
	m.t.Helper()
	dir := m.t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			m.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			m.t.Fatal(err)
		}
	}
	return dir
}

// output collects what a process prints and lets a test wait for a line of it.
type output struct {
	mu     sync.Mutex
	text   []byte
	line   int // where the last, unfinished line begins
	wanted func(line string) bool
	found  func()
}

// Write takes the process's output; on the first line that onLine wants it
// calls its function, before the process can print more.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	for {
		end := bytes.IndexByte(o.text[o.line:], '\n')
		if end < 0 {
			return len(p), nil
		}
		line := string(o.text[o.line : o.line+end])
		o.line += end + 1
		if o.wanted != nil && o.wanted(line) {
			o.wanted = nil
			o.found()
		}
	}
}

// onLine calls f once, when a line is printed for which is holds.
func (o *output) onLine(is func(line string) bool, f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wanted, o.found = is, f
}

// String is all that was printed so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

func tail(s string, lines int) string {
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
