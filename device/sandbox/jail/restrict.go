package jail

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// restrict adds flags (MOUNT_ATTR_*) to the mount at path and all below it.
func restrict(path string, flags uint64) error {
	err := unix.MountSetattr(unix.AT_FDCWD, path, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: flags})
	if !errors.Is(err, unix.ENOSYS) { // before Linux 5.12
		return err
	}
	return remountAll(path, flags)
}

// remountAll is restrict for older kernels.
func remountAll(path string, flags uint64) error {
	below, err := mountsBelow(path)
	if err != nil {
		return err
	}
	for _, m := range below {
		if err := remount(m, flags); err != nil {
			return err
		}
	}
	return nil
}

// restrictOne adds flags to the mount at path alone.
func restrictOne(path string, flags uint64) error {
	err := unix.MountSetattr(unix.AT_FDCWD, path, 0, &unix.MountAttr{Attr_set: flags})
	if !errors.Is(err, unix.ENOSYS) {
		return err
	}
	return remount(path, flags)
}

// remount adds flags the old way, which replaces them: those that are there must
// be repeated, or the kernel refuses to unlock them in a user namespace. Bits of
// statfs and mount agree for these (statfs(2)).
func remount(path string, flags uint64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return err
	}
	const kept = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME
	set := uintptr(st.Flags) & kept
	if st.Flags&unix.ST_RELATIME != 0 {
		set |= unix.MS_RELATIME
	}
	for attr, flag := range map[uint64]uintptr{
		unix.MOUNT_ATTR_RDONLY: unix.MS_RDONLY, unix.MOUNT_ATTR_NOSUID: unix.MS_NOSUID, unix.MOUNT_ATTR_NODEV: unix.MS_NODEV,
	} {
		if flags&attr != 0 {
			set |= flag
		}
	}
	return unix.Mount("", path, "", unix.MS_BIND|unix.MS_REMOUNT|set, "")
}

// mountsBelow are the mount points at and below path (proc_pid_mountinfo(5)).
func mountsBelow(path string) ([]string, error) {
	f, err := os.Open("/proc/thread-self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		if point := unescape(fields[4]); point == path || strings.HasPrefix(point, path+"/") {
			found = append(found, point)
		}
	}
	return found, nil
}

// unescape undoes the octal escapes of mountinfo: space, tab, newline, backslash.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if code, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
