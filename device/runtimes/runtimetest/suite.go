package runtimetest

import (
	"testing"

	"fescue.dev/fescue/device/runtimes"
)

// Suite is a runtime under test, with a function in its language.
//
// The function is called with a line of text, a verb and an argument, and does
// what the verb says:
//
//	echo TEXT      answers TEXT
//	fail TEXT      throws an error with that message
//	sleep MS       waits so long, then answers "slept"
//	print TEXT     prints "out TEXT" on stdout and "err TEXT" on stderr, answers ""
//	exit STATUS    ends its process
//	read PATH      answers what is in a file, or throws
//	write PATH     writes "x" into a file, or throws
//	variable NAME  answers an environment variable
//	topic          answers the topic that it is called for
//	publish TOPIC  publishes "published" there, or throws
//	log TEXT       logs TEXT as a warning
//
// All else is an error. The last three are asked of runtimes that have the SDK's
// context alone.
type Suite struct {
	// New makes the runtime with its state in a directory of the device.
	New func(t testing.TB, d *Device) runtimes.Runtime
	// Function is the one described above; Broken one that cannot be loaded, for a
	// reason that holds BrokenSays.
	Function, Broken Source
	BrokenSays       string
	// Stack is a part of the stack trace of `fail`: the handler's name, a line of its file. "" for
	// runtimes that have none.
	Stack string
	// PerEvent: what the handler prints on stdout is its answer.
	PerEvent bool
	// Contained: a handler that ends its process ends its event alone.
	Contained bool
	// Context: the handler can publish and log through the SDK.
	Context bool
	// Ahead: its workers handle one event after the other, and take some ahead.
	Ahead bool
	// AtOnce: one worker handles several events at once.
	AtOnce bool
	// NoFiles: the language has no way to files, or to the environment.
	NoFiles bool
	// Versioned: a condition on the runtime's version can be asked for.
	Versioned bool
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	d := NewDevice(t)
	r := s.New(t, d)
	t.Run("describe", func(t *testing.T) { s.describe(t, r) })
	f := d.Load(t, r, "function", s.Function)
	for _, c := range []struct {
		name string
		test func(*testing.T, *Function)
		runs bool
	}{
		{"invoke", s.invoke, true},
		{"error", s.errors, true},
		{"time-out", s.timeOut, true},
		{"output", s.output, true},
		{"large payload", s.large, true},
		{"concurrency", s.concurrency, true},
		{"calls ahead", s.ahead, s.Ahead},
		{"at once", s.atOnce, s.AtOnce},
		{"graceful stop", s.graceful, true},
		{"kill", s.kill, true},
		{"crash and restart", s.crash, !s.Contained},
		{"event that ends its process", s.crashContained, s.Contained},
		{"context", s.context, s.Context},
		{"confinement", s.confinement, !s.NoFiles},
		{"sweep", s.sweep, true},
	} {
		if c.runs {
			t.Run(c.name, func(t *testing.T) { c.test(t, f) })
		}
	}
	t.Run("broken handler", func(t *testing.T) { s.broken(t, d, r) })
}
