// Package native is the runtime of programs that need none: executables and
// scripts of the artifact, or of the device, started by commands.
package native

import (
	"context"
	"runtime"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Native is the runtime; its zero value is ready.
type Native struct{}

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

// Surroundings are none: the code directory is the working directory.
func (Native) Surroundings(context.Context, runtimes.Application) (runtimes.Surroundings, error) {
	return runtimes.Surroundings{}, nil
}

// Worker is not there: a native program that speaks the protocol is to come with
// the C SDK.
func (Native) Worker(_ context.Context, app runtimes.Application) ([]string, error) {
	return nil, fail.New(fail.Unsupported, "start function", "the runtime native has no handlers").
		On(string(app.Configuration.Name)).WithHint("Use commands, or runtime: python.")
}

// Sweep has nothing to remove.
func (Native) Sweep(context.Context, []runtimes.Application) error { return nil }
