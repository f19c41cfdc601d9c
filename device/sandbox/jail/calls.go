package jail

import "golang.org/x/sys/unix"

// refusedCalls are the system calls that no application needs and that have been
// the way out of sandboxes, or that change the device as a whole. Most need a
// capability that the program lacks anyway: the filter keeps a fault in the kernel's
// own check from mattering. Those of one processor alone are in callsOfProcessor.
func refusedCalls() []uint32 {
	return append(callsOfProcessor(),
		// The file system's shape.
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_OPEN_TREE_ATTR,
		unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
		unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_FANOTIFY_INIT,
		// Namespaces; see also clone.
		unix.SYS_UNSHARE, unix.SYS_SETNS,
		// Other processes.
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP, unix.SYS_PIDFD_GETFD,
		unix.SYS_PROCESS_MADVISE, unix.SYS_PERF_EVENT_OPEN,
		// The kernel.
		unix.SYS_BPF, unix.SYS_USERFAULTFD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
		unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT, unix.SYS_SYSLOG, unix.SYS_ACCT, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_NFSSERVCTL,
		// Keys are not in a namespace.
		unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
		// The device's clock, name and terminals.
		unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_VHANGUP,
		// Address layouts that weaken randomisation.
		unix.SYS_PERSONALITY,
	)
}
