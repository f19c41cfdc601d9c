package jail

import "golang.org/x/sys/unix"

// systemCall is a system call, by the kernel's name and this processor's number.
type systemCall struct {
	name   string
	number uint32
}

// refusedCalls are the system calls that no application needs and that have been
// the way out of sandboxes, or that change the device as a whole. Most need a
// capability that the program lacks anyway: the filter keeps a fault in the kernel's
// own check from mattering. Those of one processor alone are in callsOfProcessor.
func refusedCalls() []systemCall {
	return append([]systemCall{
		// The file system's shape.
		{"mount", unix.SYS_MOUNT}, {"umount2", unix.SYS_UMOUNT2}, {"pivot_root", unix.SYS_PIVOT_ROOT}, {"chroot", unix.SYS_CHROOT}, {"move_mount", unix.SYS_MOVE_MOUNT}, {"open_tree", unix.SYS_OPEN_TREE}, {"open_tree_attr", unix.SYS_OPEN_TREE_ATTR},
		{"fsopen", unix.SYS_FSOPEN}, {"fsconfig", unix.SYS_FSCONFIG}, {"fsmount", unix.SYS_FSMOUNT}, {"fspick", unix.SYS_FSPICK}, {"mount_setattr", unix.SYS_MOUNT_SETATTR},
		{"open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT}, {"swapon", unix.SYS_SWAPON}, {"swapoff", unix.SYS_SWAPOFF}, {"quotactl", unix.SYS_QUOTACTL}, {"quotactl_fd", unix.SYS_QUOTACTL_FD}, {"fanotify_init", unix.SYS_FANOTIFY_INIT},
		// Namespaces; see also clone.
		{"unshare", unix.SYS_UNSHARE}, {"setns", unix.SYS_SETNS},
		// Other processes.
		{"ptrace", unix.SYS_PTRACE}, {"process_vm_readv", unix.SYS_PROCESS_VM_READV}, {"process_vm_writev", unix.SYS_PROCESS_VM_WRITEV}, {"kcmp", unix.SYS_KCMP}, {"pidfd_getfd", unix.SYS_PIDFD_GETFD},
		{"process_madvise", unix.SYS_PROCESS_MADVISE}, {"perf_event_open", unix.SYS_PERF_EVENT_OPEN},
		// The kernel.
		{"bpf", unix.SYS_BPF}, {"userfaultfd", unix.SYS_USERFAULTFD}, {"init_module", unix.SYS_INIT_MODULE}, {"finit_module", unix.SYS_FINIT_MODULE}, {"delete_module", unix.SYS_DELETE_MODULE},
		{"kexec_load", unix.SYS_KEXEC_LOAD}, {"reboot", unix.SYS_REBOOT}, {"syslog", unix.SYS_SYSLOG}, {"acct", unix.SYS_ACCT}, {"lookup_dcookie", unix.SYS_LOOKUP_DCOOKIE}, {"nfsservctl", unix.SYS_NFSSERVCTL},
		// Keys are not in a namespace.
		{"add_key", unix.SYS_ADD_KEY}, {"request_key", unix.SYS_REQUEST_KEY}, {"keyctl", unix.SYS_KEYCTL},
		// The device's clock, name and terminals.
		{"settimeofday", unix.SYS_SETTIMEOFDAY}, {"clock_settime", unix.SYS_CLOCK_SETTIME}, {"sethostname", unix.SYS_SETHOSTNAME}, {"setdomainname", unix.SYS_SETDOMAINNAME}, {"vhangup", unix.SYS_VHANGUP},
		// Address layouts that weaken randomisation.
		{"personality", unix.SYS_PERSONALITY},
	}, callsOfProcessor()...)
}
