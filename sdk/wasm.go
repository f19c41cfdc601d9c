package sdk

import (
	"embed"
	"io/fs"
)

//go:embed wasm/fescue.h wasm/memory.c wasm/fescue.rs wasm/fescue.ts
var wasmFiles embed.FS

// Wasm is what functions compiled to WebAssembly are built with: fescue.h, and memory.c with
// the functions that compilers call by themselves.
func Wasm() fs.FS {
	sub, err := fs.Sub(wasmFiles, "wasm")
	if err != nil {
		panic(err) // the path is a constant and valid
	}
	return sub
}

// ExtractWasm is [Extract] for functions compiled to WebAssembly; what it returns is for a
// compiler's include path.
func ExtractWasm(dir string) (string, error) { return extract(dir, "wasm", Wasm()) }
