// Package test runs the microcontroller's C code from the outside: the virtual
// machine against the WebAssembly specification's vectors and against wazero, and
// whole firmware images in emulators with the real gateway at the other end of
// the serial line. The compilers and emulators come with `make micro-deps`.
package test
