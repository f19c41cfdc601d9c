// Package native is the runtime of programs that need none: executables and
// scripts of the artifact, or of the device.
//
// The deployment engine calls it through runtimes.Runtime. A service's programs are started by its
// commands. A function's handler is a program of the artifact, either one that speaks the
// wire protocol on descriptor 3, as those built with an SDK do, or, with `perEvent`, any program:
// it is started for each event, which it finds on stdin, and answers on stdout. It promises
// that such a program, with all that it started, has ended when its event is over.
package native

import (
	"context"
	"path/filepath"
	"runtime"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/worker"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Native is the runtime.
type Native struct {
	// Program is the agent's binary, which serves functions of one process per event.
	Program string
}

var _ runtimes.Runtime = Native{}

// Name is "native".
func (Native) Name() string { return spec.RuntimeNative }

// Describe is the machine's architecture.
func (Native) Describe(context.Context) string { return runtime.GOOS + "/" + runtime.GOARCH }

// Check refuses a condition on a version: there is nothing that has one.
func (Native) Check(_ context.Context, want spec.Range) error {
	if want == "" || want == "*" {
		return nil
	}
	return fail.New(fail.Unsupported, "check runtime", "native programs have no runtime version to compare with %q", string(want)).
		WithHint("Write `runtime: native`, and `platform: linux/<architecture>` to say what the program was built for.")
}

// Prepare has nothing to do.
func (Native) Prepare(context.Context, runtimes.Application, runtimes.Builder) (bool, error) {
	return false, nil
}

// Surroundings are the agent's binary, for functions of one process per event.
func (n Native) Surroundings(_ context.Context, app runtimes.Application) (runtimes.Surroundings, error) {
	if app.Configuration.PerEvent {
		return runtimes.Surroundings{ReadOnly: []string{n.Program}}, nil
	}
	return runtimes.Surroundings{}, nil
}

// Worker is the handler itself, or the agent's binary that starts it for each event.
func (n Native) Worker(_ context.Context, app runtimes.Application) ([]string, error) {
	handler := filepath.Join(app.Dir, filepath.FromSlash(app.Configuration.Handler))
	if app.Configuration.PerEvent {
		return worker.Command(n.Program, Kind, handler), nil
	}
	return []string{handler}, nil
}

// Sweep has nothing to remove.
func (Native) Sweep(context.Context, []runtimes.Application) error { return nil }
