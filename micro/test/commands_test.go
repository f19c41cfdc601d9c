package test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/device/micro"
)

// withAgent puts the agent's program beside fescue's, where simulate looks for it.
func (f *fescue) withAgent() {
	f.t.Helper()
	beside := filepath.Join(filepath.Dir(f.program), "fescue-micro")
	if err := os.Symlink(compilePosix(f.t), beside); err != nil && !os.IsExist(err) {
		f.t.Fatal(err)
	}
}

// template writes what `fescue init micro` does, compiled.
func (f *fescue) template(name string) string {
	f.t.Helper()
	dir := filepath.Join(f.t.TempDir(), name)
	f.must("init", "micro", dir)
	f.must("build", dir)
	return dir
}

// A function is tried on the machine where it is written.
func TestSimulate(t *testing.T) {
	f := newFescue(t)
	f.withAgent()
	dir := f.template("roof")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, f.program, "micro", "simulate", dir, "--board", "mega")
	cmd.Stdin = strings.NewReader("42\n7\n120\nx\n")
	out, err := cmd.Output()
	want := "reply 42\nreply 42\npublish roof/alarm 120\nreply 120\nfailed error: the event is not a whole number\n"
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
	if out, err := f.try("micro", "simulate", dir, "--board", "moon"); err == nil || !strings.Contains(out, "no board") {
		t.Errorf("a board that is none: %v\n%s", err, out)
	}
}

// The measurements of a line: of the process that simulate starts, and of one that comes.
func TestMicroBench(t *testing.T) {
	f := newFescue(t)
	f.withAgent()
	line := filepath.Join(t.TempDir(), "line")
	agentProcess(t, compilePosix(t), filepath.Join(t.TempDir(), "flash"), nil, "unix:"+line)
	for _, where := range []string{"simulate", "unix:" + line} {
		out := f.must("micro", "bench", where, "--for", "200ms")
		for _, want := range []string{"micro/posix", "frame round trip   p50", "upload and load    p50", "calls "} {
			if !strings.Contains(out, want) {
				t.Errorf("bench %s does not say %q:\n%s", where, want, out)
			}
		}
	}
}

// monitor starts `fescue micro monitor` and gives what it sees.
func (f *fescue) monitor(what string) <-chan micro.Seen {
	f.t.Helper()
	cmd := exec.Command(f.program, "--state", f.state, "micro", "monitor", what, "--json")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		f.t.Fatal(err)
	}
	seen := make(chan micro.Seen, 1024)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for in := bufio.NewScanner(out); in.Scan(); {
			var s micro.Seen
			if json.Unmarshal(in.Bytes(), &s) == nil {
				seen <- s
			}
		}
	}()
	f.t.Cleanup(func() { _ = cmd.Process.Kill(); <-done; _ = cmd.Wait() })
	return seen
}

// sees waits for a thing that is seen.
func sees(t *testing.T, seen <-chan micro.Seen, frame, text string) {
	t.Helper()
	var before []string
	for deadline := time.After(patience); ; {
		select {
		case s := <-seen:
			if s.Frame == frame && strings.Contains(s.Text, text) {
				if s.Time.IsZero() && s.Frame != "connected" {
					t.Errorf("%s has no time", frame)
				}
				return
			}
			before = append(before, s.Frame+" "+s.Text)
		case <-deadline:
			t.Fatalf("no %s with %q is seen; before: %q", frame, text, before)
		}
	}
}

// A line is looked at in place of a gateway.
func TestMonitorOfLine(t *testing.T) {
	f := newFescue(t)
	line := filepath.Join(t.TempDir(), "line")
	seen := f.monitor("unix:" + line)
	agentProcess(t, compilePosix(t), filepath.Join(t.TempDir(), "flash"), nil, "--text", "unix:"+line)
	sees(t, seen, "HELLO", "board-1 micro/posix memory=")
	sees(t, seen, "WELCOME", "")
	sees(t, seen, "connected", "micro/posix")
}
