package jail

import "golang.org/x/sys/unix"

const (
	auditArch  = unix.AUDIT_ARCH_AARCH64
	foreignBit = 0
)

func callsOfProcessor() []systemCall {
	return []systemCall{{"kexec_file_load", unix.SYS_KEXEC_FILE_LOAD}}
}
