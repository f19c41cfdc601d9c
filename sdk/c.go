package sdk

import (
	"embed"
	"io/fs"
)

//go:embed c/fescue.h c/fescue.c c/src/*.c
var c embed.FS

// C is the C SDK: fescue.h and fescue.c with its parts.
func C() fs.FS {
	sub, err := fs.Sub(c, "c")
	if err != nil {
		panic(err) // the path is a constant and valid
	}
	return sub
}

// ExtractC is [Extract] for the C SDK; what it returns is for a compiler's include path.
func ExtractC(dir string) (string, error) {
	return extract(dir, "c", C())
}
