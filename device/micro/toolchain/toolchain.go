// Package toolchain compiles functions to WebAssembly for microcontrollers with the
// compilers that are on the machine: clang and wasm-ld for C and C++, rustc for
// Rust, asc for AssemblyScript.
//
// A [Build] promises a module whose stack comes first in its memory, so that a
// small part of a page is enough for it, and that says how much that is.
package toolchain

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"fescue.dev/fescue/fail"
)

// Build is one module to compile. All fields are required.
type Build struct {
	Dir      string // of the sources
	Output   string // the module's path
	SDK      string // directory of fescue.h: sdk.ExtractWasm
	Stack    int    // bytes of the stack in the module's memory
	Warnings io.Writer
}

const buildOp = "build module"

// language is a way from sources to a module.
type language struct {
	extensions []string
	run        func(b Build, ctx context.Context, sources []string, output string) error
}

func languages() []language {
	return []language{
		{[]string{".c", ".cc", ".cpp", ".cxx"}, Build.clang},
		{[]string{".rs"}, Build.rust},
		{[]string{".ts"}, Build.assemblyScript},
	}
}

// Run compiles the sources of the directory into the module, and notes in it how much
// memory it needs. What the compiler has to say is in the error, a fail.Invalid;
// without a compiler it is fail.Unsupported and names the package to install.
func (b Build) Run(ctx context.Context) error {
	chosen, sources, err := b.sources()
	if err != nil {
		return err
	}
	temporary, err := os.MkdirTemp("", "fescue-build-")
	if err != nil {
		return fail.Wrap(err, fail.Internal, buildOp, "")
	}
	defer os.RemoveAll(temporary)
	raw := filepath.Join(temporary, "module.wasm")
	if err := chosen.run(b, ctx, sources, raw); err != nil {
		return err
	}
	code, err := os.ReadFile(raw)
	if err != nil {
		return fail.Wrap(err, fail.Internal, buildOp, raw)
	}
	if err := os.MkdirAll(filepath.Dir(b.Output), 0o755); err != nil {
		return fail.Wrap(err, fail.Internal, buildOp, b.Output)
	}
	if err := os.WriteFile(b.Output, code, 0o644); err != nil {
		return fail.Wrap(err, fail.Internal, buildOp, b.Output)
	}
	return nil
}

// sources are the files of the directory in the first language that has some there.
func (b Build) sources() (language, []string, error) {
	entries, err := os.ReadDir(b.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return language{}, nil, fail.New(fail.NotFound, buildOp, "there is no such directory").On(b.Dir)
	} else if err != nil {
		return language{}, nil, fail.Wrap(err, fail.Invalid, buildOp, b.Dir)
	}
	for _, l := range languages() {
		var found []string
		for _, e := range entries {
			if slices.Contains(l.extensions, filepath.Ext(e.Name())) {
				found = append(found, e.Name())
			}
		}
		if len(found) > 0 {
			return l, found, nil
		}
	}
	return language{}, nil, fail.New(fail.NotFound, buildOp, "there are no sources to compile").On(b.Dir).
		WithHint("Put them beside fescue.yaml: .c, .cpp, .rs or .ts.")
}

// find gives a program's path.
func find(program, pkg string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fail.New(fail.Unsupported, buildOp, "there is no %s on this machine", program).
			WithHint("On Debian or Ubuntu: apt install %s.", pkg)
	}
	return path, nil
}

// command runs a compiler in the sources' directory. Its warnings are shown.
func (b Build) command(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = b.Dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		return fail.Wrap(context.Cause(ctx), fail.Canceled, buildOp, program)
	}
	if err != nil {
		return fail.New(fail.Invalid, buildOp, "%s:\n%s", filepath.Base(program), strings.TrimSpace(out.String()))
	}
	_, _ = b.Warnings.Write(out.Bytes()) // it has compiled, whoever hears of it
	return nil
}
