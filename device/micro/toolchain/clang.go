package toolchain

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"fescue.dev/fescue/device/micro/module"
	"fescue.dev/fescue/fail"
)

// clang compiles once and links twice: to see how much memory the variables take, and
// without the export that tells it, which would go to every board.
func (b Build) clang(ctx context.Context, sources []string, output string) error {
	compiler, err := find("clang", "clang")
	if err != nil {
		return err
	}
	if _, err := find("wasm-ld", "lld"); err != nil {
		return err
	}
	objects := filepath.Dir(output)
	link := []string{"--target=wasm32", "-nostdlib", "-Wl,--no-entry,--stack-first,--strip-all,--compress-relocations,-z,stack-size=" + strconv.Itoa(b.Stack)}
	for i, s := range append(slices.Clone(sources), filepath.Join(b.SDK, "memory.c")) {
		object := filepath.Join(objects, strconv.Itoa(i)+".o")
		compile := []string{"--target=wasm32", "-Os", "-Wall", "-Wextra", "-nostdlib", "-ffunction-sections", "-fdata-sections", "-I", b.SDK}
		switch {
		case i == len(sources):
			compile = append(compile, "-fno-builtin") // memcpy must not call itself
		case filepath.Ext(s) != ".c":
			compile = append(compile, "-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
		}
		if err := b.command(ctx, compiler, append(compile, "-c", "-o", object, s)...); err != nil {
			return err
		}
		link = append(link, object)
	}
	if err := b.command(ctx, compiler, append(slices.Clone(link), "-Wl,--export=__heap_base", "-o", output)...); err != nil {
		return err
	}
	memory, err := need(ctx, output)
	if err != nil {
		return err
	}
	if err := b.command(ctx, compiler, append(link, "-o", output)...); err != nil {
		return err
	}
	return note(output, memory)
}

// need is how much memory a module that was just made needs.
func need(ctx context.Context, path string) (int, error) {
	code, err := os.ReadFile(path)
	if err != nil {
		return 0, fail.Wrap(err, fail.Internal, buildOp, path)
	}
	info, err := module.Read(ctx, code)
	if err != nil {
		return 0, err
	}
	return info.Memory, nil
}

// note puts into a module how much memory it needs.
func note(path string, memory int) error {
	code, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, module.WithMemory(code, memory), 0o644)
	}
	if err != nil {
		return fail.Wrap(err, fail.Internal, buildOp, path)
	}
	return nil
}
