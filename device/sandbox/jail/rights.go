package jail

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// giveUpRights leaves the calling thread with no more than the program may have.
// The system calls are made raw: package syscall would change every thread. It gives the
// listener of the filter, or -1.
func giveUpRights(p *Plan) (listener int, err error) {
	if p.NoPrivileges {
		if err := emptyBoundingSet(); err != nil {
			return -1, because(err, "drop capabilities", "")
		}
	}
	if p.SetUser {
		if err := becomeUser(p.UID, p.GID, p.Groups); err != nil {
			return -1, err
		}
	}
	if p.NoPrivileges {
		if err := dropCapabilities(); err != nil {
			return -1, because(err, "drop capabilities", "")
		}
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return -1, because(err, "forbid new privileges", "")
		}
	}
	if p.RestrictPaths {
		if err := restrictPaths(p); err != nil {
			return -1, err
		}
	}
	if !p.FilterCalls {
		return -1, nil
	}
	listener, err = filterCalls(rules{noInternet: p.NoInternet, tell: p.Tell, connections: p.Loopback})
	return listener, because(err, "filter system calls", "")
}

func becomeUser(uid, gid int, further []int) error {
	groups := make([]uint32, len(further), len(further)+1) // never empty: there is an address to give
	for i, g := range further {
		groups[i] = uint32(g)
	}
	if _, _, errno := unix.RawSyscall(sysSetgroups, uintptr(len(groups)), uintptr(unsafe.Pointer(unsafe.SliceData(groups))), 0); errno != 0 {
		return because(errno, "leave groups", "")
	}
	if _, _, errno := unix.RawSyscall(sysSetresgid, uintptr(gid), uintptr(gid), uintptr(gid)); errno != 0 {
		return because(errno, "become group", "")
	}
	if _, _, errno := unix.RawSyscall(sysSetresuid, uintptr(uid), uintptr(uid), uintptr(uid)); errno != 0 {
		return because(errno, "become user", "")
	}
	return nil
}

// emptyBoundingSet drops every capability that the kernel knows; it says EINVAL
// after the last. Without the right to do so (no CAP_SETPCAP) there is nothing
// to drop from: no_new_privs keeps the program from gaining any.
func emptyBoundingSet() error {
	for c := uintptr(0); c < 64; c++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		switch err {
		case nil:
		case unix.EINVAL, unix.EPERM:
			return nil
		default:
			return err
		}
	}
	return nil
}

// dropCapabilities empties the ambient, inheritable, permitted and effective
// sets. Becoming another user than root does so too, but in a user namespace the
// user stays the same.
func dropCapabilities() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil && err != unix.EINVAL {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}
