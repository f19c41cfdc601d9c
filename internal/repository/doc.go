// Package repository holds no code, only tests that guard the shape of this
// repository: which package may import which, that each says what it is for,
// which modules the binary is made of, how large it may be, and what may not be
// in the tree. Each failure says why the rule is there.
package repository
