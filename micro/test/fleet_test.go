package test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fescue runs commands of the program, built once, on a state directory.
type fescue struct {
	t              testing.TB
	program, state string
	log            string // of the server that runs
}

// program is built once for all tests.
var program struct {
	sync.Mutex
	path string
}

func newFescue(t testing.TB) *fescue {
	t.Helper()
	program.Lock()
	defer program.Unlock()
	if program.path == "" {
		path := filepath.Join(scratch, "fescue")
		if out, err := exec.Command("go", "build", "-o", path, "../../cmd/fescue").CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		program.path = path
	}
	return &fescue{t: t, program: program.path, state: t.TempDir()}
}

func (f *fescue) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, f.program, append([]string{"--state", f.state}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (f *fescue) must(args ...string) string {
	f.t.Helper()
	out, err := f.try(args...)
	if err != nil {
		f.t.Fatalf("fescue %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// until repeats a command until its output has a text.
func (f *fescue) until(want string, args ...string) {
	f.t.Helper()
	out := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if out, _ = f.try(args...); strings.Contains(out, want) {
			return
		}
	}
	f.t.Fatalf("fescue %s does not say %q:\n%s", strings.Join(args, " "), want, out)
}

func (f *fescue) up(args ...string) *exec.Cmd {
	f.t.Helper()
	cmd := exec.Command(f.program, append([]string{"--state", f.state, "up", "--device", "gateway", "--listen", freePort(f.t), "--gateway", ""}, args...)...)
	log, err := os.Create(filepath.Join(f.t.TempDir(), "up.log"))
	if err != nil {
		f.t.Fatal(err)
	}
	cmd.Stderr, f.log = log, log.Name()
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && f.t.Failed() {
			f.t.Logf("up said:\n%.6000s", text)
		}
		_ = log.Close()
	})
	f.until("gateway", "get", "devices")
	return cmd
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// application writes a function's folder.
func application(t testing.TB, name, version, code, more string) string {
	t.Helper()
	dir := t.TempDir()
	config := "name: " + name + "\nversion: " + version + "\nruntime: wasm\nplatform: micro\nhandler: f.wasm:handle\n" + more
	for file, content := range map[string][]byte{"f.wasm": module(t, code), "fescue.yaml": []byte(config)} {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A microcontroller is a device as any other: deployed to, called, by hand and by
// topic, stopped, removed; it comes back after a power cut and after the gateway's.
func TestFleet(t *testing.T) {
	f := newFescue(t)
	key := f.must("micro", "provision", "shed")
	if _, err := f.try("micro", "provision", "shed"); err == nil {
		t.Error("a board was enrolled twice")
	}
	line := filepath.Join(t.TempDir(), "line")
	up := f.up("--micro", "unix:"+line)
	flash := filepath.Join(t.TempDir(), "flash")
	e := startEmulator(t, "lm3s6965evb", line, flash, keys{device: "shed", key: key})
	f.until("micro/lm3s6965evb", "get", "devices")
	f.until("true", "micro", "info", "shed")

	f.must("deploy", application(t, "echo", "1.0.0", "echo", "triggers:\n  - topic: echo/in\n    reply: echo/out\n"), "--device", "shed")
	if got := f.must("invoke", "echo", "--device", "shed", "--data", "hello"); got != "hello" {
		t.Errorf("invoke: %q", got)
	}
	if out, err := f.try("deploy", application(t, "node-code", "1.0.0", "echo", "triggers:\n  - http: GET /x\n"), "--device", "shed"); err == nil || !strings.Contains(out, "trigger") {
		t.Errorf("a function with an HTTP trigger was deployed to a microcontroller: %v\n%s", err, out)
	}
	if out, err := f.try("deploy", application(t, "echo", "1.1.0", "echo", "limits: {timeout: 2s}\n"), "--device", "gateway"); err == nil {
		t.Errorf("a function for microcontrollers was deployed to the gateway:\n%s", out)
	}

	fromTemplate(f)

	e.kill()
	e.start()
	f.until("hello", "invoke", "echo", "--device", "shed", "--data", "hello")

	_ = up.Process.Signal(syscall.SIGTERM)
	_ = up.Wait()
	f.up("--micro", "unix:"+line)
	e.kill() // an emulator does not connect its line again
	e.start()
	f.until("hello", "invoke", "echo", "--device", "shed", "--data", "hello")

	f.must("stop", "echo")
	f.until("stopped", "get", "applications")
	f.must("delete", "echo")
	f.until("not", "invoke", "echo", "--device", "shed", "--data", "x")
}

// fromTemplate deploys what `fescue init wasm` writes to the board.
func fromTemplate(f *fescue) {
	dir := filepath.Join(f.t.TempDir(), "double")
	f.must("init", "wasm", dir)
	if out, err := exec.Command("make", "-C", dir).CombinedOutput(); err != nil {
		f.t.Fatalf("make: %v\n%s", err, out)
	}
	path := filepath.Join(dir, "fescue.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, "\nplatform: micro\n"...), 0o644); err != nil {
		f.t.Fatal(err)
	}
	f.must("deploy", dir, "--device", "shed")
	if got := f.must("invoke", "double", "--device", "shed", "--data", "42"); got != "84" {
		f.t.Errorf("the template's function answers %q to 42", got)
	}
}
