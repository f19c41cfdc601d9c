package toolchain

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"fescue.dev/fescue/fail"
)

// wasmTarget is Rust's name of WebAssembly without a system.
const wasmTarget = "wasm32-unknown-unknown"

// rust compiles the crate fescue of the SDK and the function's, whose root is lib.rs or
// the only file.
func (b Build) rust(ctx context.Context, sources []string, output string) error {
	compiler, err := find("rustc", "rustc libstd-rust-dev-wasm32 lld, or with rustup: rustup target add "+wasmTarget)
	if err != nil {
		return err
	}
	root := sources[0]
	if len(sources) > 1 {
		if root = "lib.rs"; !slices.Contains(sources, root) {
			return fail.New(fail.Invalid, buildOp, "of several .rs files none is lib.rs").On(b.Dir)
		}
	}
	crate := filepath.Join(filepath.Dir(output), "libfescue.rlib")
	common := []string{"--edition", "2021", "--target", wasmTarget, "-C", "opt-level=s", "-C", "panic=abort"}
	if err := b.command(ctx, compiler, append(slices.Clone(common), "--crate-type", "rlib", "--crate-name", "fescue", "-o", crate,
		filepath.Join(b.SDK, "fescue.rs"))...); err != nil {
		return err
	}
	return b.command(ctx, compiler, append(common, "--crate-type", "cdylib", "-C", "lto", "-C", "strip=symbols", "--extern", "fescue="+crate,
		"-C", "link-args=--stack-first -z stack-size="+strconv.Itoa(b.Stack), "-o", output, root)...)
}

// assemblyScript compiles with the compiler of the project or of the machine.
// There is no stack in memory, and nothing that collects garbage.
func (b Build) assemblyScript(ctx context.Context, sources []string, output string) error {
	dir, err := filepath.Abs(b.Dir)
	if err != nil {
		return fail.Wrap(err, fail.Internal, buildOp, b.Dir)
	}
	library, err := filepath.Rel(dir, b.SDK) // asc takes no absolute ones
	if err != nil {
		return fail.Wrap(err, fail.Internal, buildOp, b.SDK)
	}
	compiler := filepath.Join(dir, "node_modules", ".bin", "asc")
	if _, err := os.Stat(compiler); err != nil {
		if compiler, err = find("asc", "nodejs npm; then, beside the sources: npm install assemblyscript"); err != nil {
			return err
		}
	}
	return b.command(ctx, compiler, append(slices.Clone(sources), "--lib", library, "--outFile", output, "--optimizeLevel", "3", "--shrinkLevel", "2",
		"--noAssert", "--runtime", "stub", "--use", "abort=", "--initialMemory", "1", "--disable", "bulk-memory")...)
}
