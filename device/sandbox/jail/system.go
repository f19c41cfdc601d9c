package jail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// systemDirs hold programs and libraries on the distributions there are; those
// that exist are shown read-only. On merged-/usr systems most are links.
var systemDirs = [...]string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"}

// systemEtc is what libraries and language runtimes read in /etc. It is a list of
// what is needed, not of what is secret: what a new distribution adds stays hidden.
var systemEtc = [...]string{
	"ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ld.so.preload", "alternatives",
	"hosts", "host.conf", "resolv.conf", "nsswitch.conf", "gai.conf", "services", "protocols", "networks",
	"ssl", "pki", "ca-certificates", "crypto-policies",
	"localtime", "timezone", "locale.alias", "locale.conf", "os-release", "mime.types", "magic", "terminfo", "fonts",
}

// systemEtcPatterns are the folders of language runtimes, and musl's loader.
var systemEtcPatterns = [...]string{"java*", "python*", "ld-musl-*.path"}

// deviceNodes are harmless and expected by about every program.
var deviceNodes = [...]string{"null", "zero", "full", "random", "urandom", "tty"}

const readOnly = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV

func (r *root) system() error {
	for _, dir := range systemDirs {
		info, err := os.Lstat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return because(err, opShow, dir)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(dir)
			if err != nil {
				return because(err, opShow, dir)
			}
			// Relative, so that it leads nowhere else while the root is being built.
			if err := os.Symlink(strings.TrimPrefix(target, "/"), r.at(dir)); err != nil {
				return because(err, opShow, dir)
			}
		default:
			if err := r.bind(dir, dir, readOnly, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// etc shows the files of systemEtc, a user database with nobody in it whom the
// program does not need, and hosts that are behind doors.
func (r *root) etc(p *Plan) error {
	present, err := os.ReadDir("/etc")
	if err != nil {
		return because(err, opShow, "/etc")
	}
	for _, entry := range present {
		path := "/etc/" + entry.Name()
		if !showsEtc(entry.Name()) || len(p.Doors) > 0 && entry.Name() == "hosts" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			continue // a dangling link, or not for the agent to read
		}
		if err := r.bind(path, path, readOnly, true); err != nil {
			return err
		}
	}
	files := map[string]string{
		"/etc/passwd": fmt.Sprintf("root:x:0:0::/:/bin/sh\napplication:x:%d:%d::/tmp:/bin/sh\n", p.UID, p.GID),
		"/etc/group":  fmt.Sprintf("root:x:0:\napplication:x:%d:\n", p.GID),
	}
	if len(p.Doors) > 0 {
		files["/etc/hosts"] = hostsFile(p.Doors)
	}
	for path, text := range files {
		if err := os.WriteFile(r.at(path), []byte(text), 0o644); err != nil {
			return because(err, opShow, path)
		}
	}
	return nil
}

func showsEtc(name string) bool {
	return slices.Contains(systemEtc[:], name) || slices.ContainsFunc(systemEtcPatterns[:], func(pattern string) bool {
		matches, _ := filepath.Match(pattern, name) // the patterns are valid
		return matches
	})
}

func (r *root) devices(shm int64) error {
	dev := r.at("/dev")
	if err := r.tmpfs("/dev", "mode=0755,size=64k,nr_inodes=64"); err != nil {
		return err
	}
	for _, node := range deviceNodes {
		path := "/dev/" + node
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if err := r.bind(path, path, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC, true); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, filepath.Join(dev, name)); err != nil {
			return because(err, opShow, "/dev/"+name)
		}
	}
	return r.tmpfs("/dev/shm", fmt.Sprintf("mode=1777,size=%d,nr_inodes=16k", shm))
}

// scratch makes the folders that programs expect to exist. /tmp is the
// program's own and gone with it.
func (r *root) scratch(size int64) error {
	for _, dir := range []string{"/run", "/var", "/home", "/root"} {
		if err := os.MkdirAll(r.at(dir), 0o755); err != nil {
			return because(err, opShow, dir)
		}
	}
	for link, target := range map[string]string{"/var/tmp": "../tmp", "/var/run": "../run"} {
		if err := os.Symlink(target, r.at(link)); err != nil {
			return because(err, opShow, link)
		}
	}
	return r.tmpfs("/tmp", fmt.Sprintf("mode=1777,size=%d,nr_inodes=64k", size))
}

func (r *root) tmpfs(path, data string) error {
	if err := os.MkdirAll(r.at(path), 0o755); err != nil {
		return because(err, opShow, path)
	}
	return because(unix.Mount("fescue", r.at(path), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, data), opShow, path)
}

const procFlags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// proc shows the processes of the new PID namespace. A container may forbid it
// to an agent without root; the program then has an empty /proc, not the device's.
func (r *root) proc() error {
	if err := os.MkdirAll(r.at("/proc"), 0o755); err != nil {
		return because(err, opShow, "/proc")
	}
	err := unix.Mount("proc", r.at("/proc"), "proc", procFlags, "")
	if errors.Is(err, unix.EPERM) {
		return nil
	}
	return because(err, opShow, "/proc")
}

// remountProc puts the /proc of the new PID namespace over the device's, for
// programs that see the device's file system. Other mounts still go both ways,
// so that a root command can mount for the device. Where it is forbidden, the
// device's /proc stays, in which only process ids differ.
func remountProc() {
	if err := unix.Mount("", "/proc", "", unix.MS_PRIVATE, ""); err == nil {
		_ = unix.Mount("proc", "/proc", "proc", procFlags, "")
	}
}
