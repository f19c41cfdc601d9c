package jail

import "golang.org/x/sys/unix"

const (
	auditArch  = unix.AUDIT_ARCH_ARM
	foreignBit = 0
)

func callsOfProcessor() []systemCall {
	return []systemCall{{"kexec_file_load", unix.SYS_KEXEC_FILE_LOAD}, {"uselib", unix.SYS_USELIB}, {"_sysctl", unix.SYS__SYSCTL}, {"clock_settime64", unix.SYS_CLOCK_SETTIME64}}
}
