package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

func (s *Sandbox) rootPath() string { return filepath.Join(s.config.State, rootFolder) }

// countsProcesses tells whether RLIMIT_NPROC counts what belongs to an
// application: as root by its own user id; otherwise only since Linux 5.14, which
// counts per user namespace. Before, it would count everything of the agent's user.
func countsProcesses() bool {
	if os.Geteuid() == 0 {
		return true
	}
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	var major, minor int
	if n, _ := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); n != 2 {
		return false
	}
	return major > 5 || major == 5 && minor >= 14
}
