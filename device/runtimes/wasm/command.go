package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tetratelabs/wazero/sys"

	"fescue.dev/fescue/device/runtimes/worker"
)

// command runs a WASI command for an event: a new instance, the payload on its stdin, its
// stdout the answer, its stderr in the log and, at its end, in the failure. It finds the event's
// attributes in its environment as programs do, and may use the module `fescue` too.
func (g *guest) command(ctx context.Context, e worker.Event) ([]byte, error) {
	c := &call{ctx: ctx, host: g.host, event: e}
	out, errs := &limited{limit: g.host.MaxBody()}, &limited{limit: keptErrors}
	config := g.config.WithStdin(bytes.NewReader(e.Payload)).WithStdout(out).WithStderr(io.MultiWriter(errs, os.Stderr))
	for name, value := range e.Attributes {
		config = config.WithEnv("FESCUE_EVENT_"+strings.ToUpper(name), strings.ReplaceAll(value, "\x00", ""))
	}
	running := withMemory(context.WithValue(context.Background(), callKey{}, c))
	m, err := g.runtime.InstantiateModule(running, g.module, config)
	if m != nil {
		_ = m.Close(context.Background())
	}
	var exit *sys.ExitError
	switch {
	case out.full:
		return nil, &worker.Failure{Type: "TooLarge", Message: fmt.Sprintf("the command printed more than the %d bytes that the broker accepts", out.limit)}
	case errors.As(err, &exit) && exit.ExitCode() == 0, err == nil:
	case errors.As(err, &exit):
		return nil, exitFailure(exit, errs.data)
	default:
		return nil, failureOf(err)
	}
	if c.failed {
		return nil, &worker.Failure{Type: "Error", Message: c.message}
	}
	if c.reply != nil {
		return c.reply, nil
	}
	return out.data, nil
}

const keptErrors = 4 << 10 // bytes of stderr that go with a failure

func exitFailure(exit *sys.ExitError, said []byte) error {
	f := &worker.Failure{Type: "ExitStatus", Message: fmt.Sprintf("the command exited with status %d", exit.ExitCode()), Stack: string(said)}
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		f.Message += ": " + last
	}
	return f
}

// limited keeps the beginning of what is written, and fails when it is too much, which
// ends a module that goes on.
type limited struct {
	limit int
	data  []byte
	full  bool
}

// Write fails beyond the limit.
func (l *limited) Write(p []byte) (int, error) {
	if len(l.data)+len(p) > l.limit {
		l.full = true
		return 0, errors.New("the output is too large")
	}
	l.data = append(l.data, p...)
	return len(p), nil
}
