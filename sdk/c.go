package sdk

import (
	"embed"
	"io/fs"
)

//go:embed c/fescue.h c/fescue.c c/src/*.c cpp/fescue.hpp
var c embed.FS

// C is the SDK for C and C++: in c fescue.h and fescue.c with its parts, in cpp fescue.hpp.
func C() fs.FS { return c }

// ExtractC is [Extract] for C and C++; the directories c and cpp in what it returns are for a
// compiler's include path.
func ExtractC(dir string) (string, error) {
	return extract(dir, "c", C())
}
