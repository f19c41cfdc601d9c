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

// Virtual pins: what is set is found, what is written is shown, what is not granted is
// refused.
func TestSimulatedPins(t *testing.T) {
	f := newFescue(t)
	f.withAgent()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"pins.c": pinsFunction,
		"fescue.yaml": "name: pins\nversion: 1.0.0\nruntime: wasm\nplatform: micro\nhandler: pins.wasm:handle\n" +
			"resources:\n  pins: [gpio/13, gpio/2, adc/0, i2c/0x48]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f.must("build", dir)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, f.program, "micro", "simulate", dir)
	cmd.Stdin = strings.NewReader("x\n/gpio 2 1\n/adc 0 513\n/i2c 0x48 2a\nx\n")
	out, err := cmd.Output()
	rest := string(out)
	for _, want := range []string{
		"pin gpio 13 output\n", "pin gpio 13 0\n", "reply 0 0 f6 fc\n", // nobody acknowledges: -10; not granted: -4
		"pin gpio 13 1\n", "pin i2c 0x48 07\n", "reply 1 1 2a fc\n",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("%v: %q is not said, or not in its turn:\n%s", err, want, out)
		}
		rest = after
	}
}

// pinsFunction copies an input to an output, and answers with it, an analogue input in
// units of 512, what a device on the bus says, and what an ungranted pin gives.
const pinsFunction = `#include <fescue.h>

static char text[16];
static unsigned char answer;

static char *hex(char *at, int v)
{
	*at++ = "0123456789abcdef"[v >> 4 & 15];
	*at++ = "0123456789abcdef"[v & 15];
	*at++ = ' ';
	return at;
}

__attribute__((export_name("_initialize"))) void begin(void) { fescue_gpio_mode(13, FESCUE_OUTPUT); }

FESCUE_HANDLER int handle(void)
{
	char *at = text;
	int level = fescue_gpio_read(2);
	unsigned char command = 7;
	fescue_gpio_write(13, level);
	*at++ = (char)('0' + level);
	*at++ = ' ';
	*at++ = (char)('0' + fescue_adc_read(0) / 512);
	*at++ = ' ';
	int n = fescue_i2c(0x48, &command, 1, &answer, 1);
	at = hex(at, n == 1 ? answer : n);
	at = hex(at, fescue_gpio_write(3, 1));
	return fescue_reply(text, (unsigned)(at - text - 1));
}
`

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
func sees(t testing.TB, seen <-chan micro.Seen, frame, text string) {
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
