//go:build 386 || arm

package jail

import "golang.org/x/sys/unix"

// The calls without "32" take user ids of 16 bits.
const (
	sysSetuid    = unix.SYS_SETUID32
	sysSetgid    = unix.SYS_SETGID32
	sysSetgroups = unix.SYS_SETGROUPS32
	sysSetresgid = unix.SYS_SETRESGID32
	sysSetresuid = unix.SYS_SETRESUID32
)
