package native

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"fescue.dev/fescue/device/runtimes/worker"
)

// Kind is the worker that starts a program for each event.
const Kind = "program"

// LoadProgram makes a handler of a program: the event's payload is its stdin, what it
// prints on stdout is the answer, its exit status says whether there is one. The
// event's attributes are in its environment: FESCUE_EVENT_ID, …_SOURCE, …_TYPE,
// …_TIME, …_SUBJECT, …_DATACONTENTTYPE. What it prints on stderr is logged.
func LoadProgram(h *worker.Host, args []string) (worker.Handler, error) {
	if len(args) != 1 {
		return nil, errors.New("the worker is to be started with one program")
	}
	path := args[0]
	if info, err := os.Stat(path); err != nil {
		return nil, &worker.Failure{Type: "HandlerNotFound", Message: fmt.Sprintf("the artifact has no program %s", path)}
	} else if info.IsDir() || info.Mode().Perm()&0o111 == 0 {
		return nil, &worker.Failure{Type: "HandlerNotFound", Message: fmt.Sprintf("%s is not executable: set its mode to 0755 before it is packed", path)}
	}
	return func(ctx context.Context, e worker.Event) ([]byte, error) {
		return runProgram(ctx, path, e, h.MaxBody())
	}, nil
}

const (
	keptErrors = 4 << 10         // bytes of stderr that go with a failure
	endTime    = 2 * time.Second // for what a program has started to let go of its output
)

func runProgram(ctx context.Context, path string, e worker.Event, limit int) ([]byte, error) {
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = environment(e)
	cmd.Stdin = bytes.NewReader(e.Payload)
	out := &bounded{limit: limit}
	errs := &tail{}
	cmd.Stdout, cmd.Stderr = out, io.MultiWriter(errs, os.Stderr)
	cmd.WaitDelay = endTime
	// A group of its own: when nobody waits any more, what it started ends too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out.over = func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err := cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left behind
	}
	switch {
	case out.full:
		return nil, &worker.Failure{Type: "TooLarge", Message: fmt.Sprintf("the program printed more than the %d bytes that the broker accepts", limit)}
	case errors.Is(err, exec.ErrWaitDelay):
		return out.data, nil // it ended well; a process that it left held its output
	case err != nil:
		return nil, failureOf(err, errs.String())
	}
	return out.data, nil
}

// failureOf tells how the program ended, with the last thing it said.
func failureOf(err error, said string) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return &worker.Failure{Type: "StartFailure", Message: err.Error()}
	}
	f := &worker.Failure{Type: "ExitStatus", Message: fmt.Sprintf("the program exited with status %d", exit.ExitCode()), Stack: said}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		f.Type, f.Message = "Signal", fmt.Sprintf("the program was killed by signal %d (%s)", status.Signal(), status.Signal())
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		f.Message += ": " + last
	}
	return f
}

// environment is the worker's, without what concerns its link, and with the event.
func environment(e worker.Event) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "FESCUE_WORKER_FD=") && !strings.HasPrefix(v, "FESCUE_HANDLER=") {
			env = append(env, v)
		}
	}
	for name, value := range e.Attributes {
		if !strings.ContainsRune(value, 0) {
			env = append(env, "FESCUE_EVENT_"+strings.ToUpper(name)+"="+value)
		}
	}
	return env
}

// bounded keeps what is written up to a limit, beyond which it calls over once.
type bounded struct {
	limit int
	over  func()
	data  []byte
	full  bool
}

// Write never fails: a pipe that breaks would hide the reason.
func (b *bounded) Write(p []byte) (int, error) {
	if room := b.limit - len(b.data); len(p) > room && !b.full {
		b.full = true
		b.over()
	}
	if !b.full {
		b.data = append(b.data, p...)
	}
	return len(p), nil
}

// tail keeps the end of what is written.
type tail struct{ text []byte }

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - keptErrors; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

// String is what is kept.
func (t *tail) String() string { return string(t.text) }
