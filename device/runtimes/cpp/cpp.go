// Package cpp is the runtime of C and C++ applications: programs that are compiled on the device by
// their commands, or come with the artifact, and speak with Data Xchange by the C SDK.
//
// The deployment engine calls it through runtimes.Runtime. It promises that compilers which an application
// runs find the SDK without a flag but -lfescue: it is compiled once for a device. Functions and what
// a handler is are those of the runtime native.
package cpp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/finder"
	"fescue.dev/fescue/device/runtimes/shelf"
	"fescue.dev/fescue/device/runtimes/worker"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Cpp is the runtime.
type Cpp struct {
	Options
	finder *finder.Finder
	shelf  *shelf.Shelf
}

var _ runtimes.Runtime = (*Cpp)(nil)

// Options are a C++ runtime's.
type Options struct {
	Dir string // where the compiled SDK is kept; its own
	SDK string // the directory of the C SDK, as sdk.ExtractC gives it
	// Path is searched for compilers, besides the usual places; "" is the PATH of this process.
	Path string
	// Program is the agent's binary, and Kind its program that serves a function of one process per event.
	Program, Kind string
}

// New makes the runtime and its directory.
func New(o Options) (*Cpp, error) {
	kept, err := shelf.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	return &Cpp{Options: o, shelf: kept, finder: finder.New(finder.Language{
		Name: "C++ compiler", Program: "c++", Ask: []string{"-dumpfullversion", "-dumpversion"}, Install: "g++",
		Version: func(said string) string {
			numbers := append(strings.Split(strings.TrimSpace(said), "."), "0", "0")
			return strings.Join(numbers[:3], ".")
		},
	}, o.Path)}, nil
}

// Name is "cpp".
func (*Cpp) Name() string { return spec.RuntimeCpp }

// Describe is the compiler, or that there is none.
func (c *Cpp) Describe(ctx context.Context) string {
	p, err := c.finder.Choose(ctx, "")
	if err != nil {
		return "prebuilt programs; no compiler"
	}
	return "compiler " + p.String()
}

// Check tells whether the device has a compiler that satisfies the condition. Without one,
// none is needed: the program may come with the artifact.
func (c *Cpp) Check(ctx context.Context, want spec.Range) error {
	if want == "" || want == "*" {
		return nil
	}
	_, err := c.finder.Choose(ctx, want)
	return err
}

// compiles tells whether commands prepare the application.
func compiles(app runtimes.Application) bool {
	for _, command := range app.Configuration.Commands {
		if command.Wait {
			return true
		}
	}
	return false
}

// Prepare compiles the SDK for applications that compile.
func (c *Cpp) Prepare(ctx context.Context, app runtimes.Application, run runtimes.Builder) (bool, error) {
	if !compiles(app) {
		return false, nil
	}
	p, err := c.finder.Choose(ctx, app.Configuration.Runtime.Range())
	if err != nil {
		return false, err
	}
	_, err = c.shelf.Make(ctx, c.libraryName(p), func(ctx context.Context, aside, _ string) error {
		const compile = `cc -O2 -fPIC -c -o tmp/fescue.o "$0/c/fescue.c" && ar rcs libfescue.a tmp/fescue.o`
		said := &bytes.Buffer{}
		err := run(ctx, runtimes.Build{
			Argv: []string{"/bin/sh", "-c", compile, c.SDK}, Dir: aside,
			Environment: []string{"TMPDIR=" + aside + "/tmp"}, ReadOnly: []string{c.SDK}, ReadWrite: []string{aside}, Output: said,
		})
		if err != nil && ctx.Err() == nil {
			err = fail.New(fail.Internal, "compile the C SDK", "%w: %s", err, strings.TrimSpace(said.String())).
				WithHint("The device needs a C compiler and ar, for instance by `apt install g++`, or a program that was compiled elsewhere.")
		}
		return err
	})
	return false, err // it belongs to the device, not to the application
}

func (c *Cpp) libraryName(p finder.Program) string {
	h := sha256.New()
	fmt.Fprintf(h, "2\n%s\n%s\n%s\n", p.Path, p.Version, c.SDK)
	return "library-" + hex.EncodeToString(h.Sum(nil))[:16]
}

// Surroundings let compilers find the SDK.
func (c *Cpp) Surroundings(ctx context.Context, app runtimes.Application) (s runtimes.Surroundings, err error) {
	s.ReadOnly = []string{c.SDK}
	headers := filepath.Join(c.SDK, "c")
	s.Environment = []string{"CPATH=" + headers + ":" + filepath.Join(c.SDK, "cpp"), "FESCUE_SDK=" + headers}
	if app.Configuration.PerEvent {
		s.ReadOnly = append(s.ReadOnly, c.Program)
	}
	if !compiles(app) {
		return s, nil
	}
	p, err := c.finder.Choose(ctx, app.Configuration.Runtime.Range())
	if err != nil {
		return s, err
	}
	library := c.shelf.Path(c.libraryName(p))
	s.ReadOnly = append(s.ReadOnly, library)
	s.Environment = append(s.Environment, "LIBRARY_PATH="+library)
	return s, nil
}

// Worker is the handler itself, or the agent's binary that starts it for each event.
func (c *Cpp) Worker(_ context.Context, app runtimes.Application) ([]string, error) {
	handler := filepath.Join(app.Dir, filepath.FromSlash(app.Configuration.Handler))
	if app.Configuration.PerEvent {
		return worker.Command(c.Program, c.Kind, handler), nil
	}
	return []string{handler}, nil
}

// Sweep keeps the SDK of the compilers at hand; it is small, and every application uses the same.
func (c *Cpp) Sweep(ctx context.Context, keep []runtimes.Application) error {
	needed := map[string]bool{}
	for _, app := range keep {
		if p, err := c.finder.Choose(ctx, app.Configuration.Runtime.Range()); err == nil {
			needed[c.libraryName(p)] = true
		}
	}
	return c.shelf.Sweep(needed)
}
