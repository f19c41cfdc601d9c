//go:build 386 || arm

package mqueue

import "golang.org/x/sys/unix"

// The older call takes 16 bits.
const sysSetresuid = unix.SYS_SETRESUID32
