package jail

import "golang.org/x/sys/unix"

// Profile is the filter of system calls in the form of the OCI runtime specification
// (config-linux.md, "Seccomp"), for programs that a container engine starts.
type Profile struct {
	DefaultAction string `json:"defaultAction"`
	Syscalls      []Rule `json:"syscalls"`
}

// Rule answers system calls, if their arguments are as all of Args say.
type Rule struct {
	Names  []string   `json:"names"`
	Action string     `json:"action"`
	Errno  uint       `json:"errnoRet"`
	Args   []Argument `json:"args,omitempty"`
}

// Argument is a condition on one argument; with SCMP_CMP_MASKED_EQ, Value is the mask.
type Argument struct {
	Index    uint   `json:"index"`
	Value    uint64 `json:"value"`
	ValueTwo uint64 `json:"valueTwo,omitempty"`
	Op       string `json:"op"`
}

// OCIProfile refuses what [compile]'s filter refuses, foreign call tables too, which
// the engines' library does by itself. It is nil where system calls are not filtered.
func OCIProfile() *Profile {
	if !Filters() {
		return nil
	}
	p := &Profile{DefaultAction: "SCMP_ACT_ALLOW"}
	refuse := func(errno unix.Errno, names []string, args ...Argument) {
		p.Syscalls = append(p.Syscalls, Rule{names, "SCMP_ACT_ERRNO", uint(errno), args})
	}
	var names []string
	for _, c := range refusedCalls() {
		names = append(names, c.name)
	}
	refuse(unix.EPERM, names)
	refuse(unix.ENOSYS, []string{"clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"})
	for flag := uint64(1); flag <= namespaceFlags; flag <<= 1 {
		if flag&namespaceFlags != 0 {
			refuse(unix.EPERM, []string{"clone"}, Argument{0, flag, flag, "SCMP_CMP_MASKED_EQ"})
		}
	}
	for _, request := range [...]uint64{unix.TIOCSTI, linuxConsole} {
		refuse(unix.EPERM, []string{"ioctl"}, Argument{1, 0xffffffff, request, "SCMP_CMP_MASKED_EQ"})
	}
	for family := range uint64(unix.AF_NETLINK) {
		if family != unix.AF_UNIX && family != unix.AF_INET && family != unix.AF_INET6 {
			refuse(unix.EAFNOSUPPORT, []string{"socket"}, Argument{0, family, 0, "SCMP_CMP_EQ"})
		}
	}
	refuse(unix.EAFNOSUPPORT, []string{"socket"}, Argument{0, unix.AF_NETLINK, 0, "SCMP_CMP_GT"})
	refuse(unix.EAFNOSUPPORT, []string{"socket"}, Argument{0, unix.AF_NETLINK, 0, "SCMP_CMP_EQ"}, Argument{2, unix.NETLINK_ROUTE, 0, "SCMP_CMP_NE"})
	return p
}
