package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// module compiles one of modules/ for WebAssembly, as `fescue build` does.
func module(t testing.TB, name string) []byte {
	t.Helper()
	return compileModule(t, name, "128")
}

// tiny is a module for 64 bytes of memory: it needs no stack of its own.
func tiny(t testing.TB, name string) []byte {
	t.Helper()
	return compileModule(t, name, "0")
}

func compileModule(t testing.TB, name, stack string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".wasm")
	cmd := exec.Command("clang", "--target=wasm32", "-Os", "-nostdlib", "-I../../sdk/wasm", "-Wl,--no-entry", "-Wl,--stack-first",
		"-Wl,-z,stack-size="+stack, "-Wl,--strip-all", "-o", out, "modules/"+name+".c")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("clang (make micro-deps installs it): %v\n%s", err, text)
	}
	code, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return code
}
