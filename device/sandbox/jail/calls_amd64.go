package jail

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_X86_64
	// foreignBit marks calls of the x32 table.
	foreignBit = 0x40000000
)

func callsOfProcessor() []systemCall {
	return []systemCall{{"kexec_file_load", unix.SYS_KEXEC_FILE_LOAD}, {"iopl", unix.SYS_IOPL}, {"ioperm", unix.SYS_IOPERM}, {"uselib", unix.SYS_USELIB}, {"_sysctl", unix.SYS__SYSCTL}, {"modify_ldt", unix.SYS_MODIFY_LDT}}
}
