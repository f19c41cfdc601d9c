package sandbox

import (
	"os"
	"path/filepath"

	"fescue.dev/fescue/device/sandbox/jail"
)

func (s *Sandbox) rootPath() string { return filepath.Join(s.config.State, rootFolder) }

// countsProcesses tells whether RLIMIT_NPROC counts what belongs to an
// application: as root by its own user id; otherwise only since Linux 5.14, which
// counts per user namespace. Before, it would count everything of the agent's user.
func countsProcesses() bool {
	if os.Geteuid() == 0 {
		return true
	}
	return jail.KernelSince(5, 14)
}
