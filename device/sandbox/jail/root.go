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

const opShow = "show path" // of failures about a path that the program should see

// root is the program's file system while it is built: a tmpfs on an empty
// directory, with what the program may see bound into it.
type root struct {
	base     string
	writable []string // paths shown for writing so far
}

// buildRoot makes the root, and makes it the helper's own. What is not bound
// into it does not exist for the program.
func buildRoot(p *Plan) error {
	// Nothing that is mounted here must reach the device's own mount table.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return because(err, "part mount namespace", "/")
	}
	if err := unix.Mount("fescue", p.Root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=1m,nr_inodes=8k"); err != nil {
		return because(err, "mount root", p.Root)
	}
	r := &root{base: p.Root}
	for _, step := range []func() error{
		r.system,
		func() error { return r.etc(p) },
		func() error { return r.devices(p.Temporary) },
		func() error { return r.scratch(p.Temporary) },
		r.proc,
		func() error { return r.paths(p.Mounts) },
		func() error { return r.texts(p) },
		r.seal,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (r *root) at(path string) string { return r.base + path }

// paths binds what the plan names, outer paths first so that inner ones override.
func (r *root) paths(mounts []Mount) error {
	mounts = slices.Clone(mounts)
	slices.SortStableFunc(mounts, func(a, b Mount) int { return strings.Compare(a.Path, b.Path) })
	for _, m := range mounts {
		if err := r.show(m); err != nil {
			return err
		}
		if m.Write {
			r.writable = append(r.writable, m.Path)
		}
	}
	return nil
}

// texts makes what is in no place of the device.
func (r *root) texts(p *Plan) error {
	for _, dir := range p.Folders {
		if err := os.MkdirAll(r.at(dir), 0o755); err != nil {
			return because(err, opShow, dir)
		}
	}
	for path, text := range p.Texts {
		if err := os.MkdirAll(filepath.Dir(r.at(path)), 0o755); err != nil {
			return because(err, opShow, path)
		}
		if err := os.WriteFile(r.at(path), text, 0o600); err != nil {
			return because(err, opShow, path)
		}
	}
	return nil
}

// overlay shows a directory with changes in memory: a file system of its own at
// the place, and over it the two as one (overlayfs).
func (r *root) overlay(m Mount) error {
	lower, err := unix.Open(m.Path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return because(err, opShow, m.Path)
	}
	defer unix.Close(lower)
	if err := r.tmpfs(m.Path, fmt.Sprintf("mode=0755,size=%d", m.Changes)); err != nil {
		return err
	}
	for _, dir := range []string{"/changes", "/work"} {
		if err := os.Mkdir(r.at(m.Path)+dir, 0o777); err != nil {
			return because(err, opShow, m.Path)
		}
		if err := os.Chmod(r.at(m.Path)+dir, 0o777); err != nil { // whatever the umask
			return because(err, opShow, m.Path)
		}
	}
	upper, err := unix.Open(r.at(m.Path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return because(err, opShow, m.Path)
	}
	defer unix.Close(upper)
	// By descriptors, for a path may hold what the options part by.
	options := fmt.Sprintf("lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d/changes,workdir=/proc/self/fd/%d/work", lower, upper, upper)
	return because(unix.Mount("fescue", r.at(m.Path), "overlay", unix.MS_NOSUID|unix.MS_NODEV, options), "mount overlay", m.Path)
}

func (r *root) show(m Mount) error {
	if m.Changes > 0 {
		return r.overlay(m)
	}
	source, below, closeSource, err := r.source(m.Path)
	if err != nil {
		return because(err, opShow, m.Path)
	}
	defer closeSource()
	flags := uint64(unix.MOUNT_ATTR_NOSUID)
	if !strings.HasPrefix(m.Path, "/dev/") {
		flags |= unix.MOUNT_ATTR_NODEV
	}
	if !m.Write {
		flags |= unix.MOUNT_ATTR_RDONLY
	}
	return r.bind(source, m.Path, flags, !below)
}

// source is what to bind for path. Below a path that the application may write,
// it could have put a symbolic link to something it must not see: there, no link
// is followed.
func (r *root) source(path string) (source string, below bool, done func(), err error) {
	for _, w := range r.writable {
		rel, inside := strings.CutPrefix(path, w+"/")
		if !inside {
			continue
		}
		dir, err := unix.Open(w, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return "", true, nil, err
		}
		defer unix.Close(dir)
		fd, err := unix.Openat2(dir, rel, &unix.OpenHow{
			Flags:   unix.O_PATH | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
		})
		if err != nil {
			return "", true, nil, err
		}
		return fmt.Sprintf("/proc/self/fd/%d", fd), true, func() { unix.Close(fd) }, nil
	}
	return path, false, func() {}, nil
}

// bind shows source, with all that is mounted below it, at path. The mount point
// is made unless it lies in a path of the application's own.
func (r *root) bind(source, path string, flags uint64, makePoint bool) error {
	info, err := os.Stat(source)
	if err != nil {
		return because(err, opShow, path)
	}
	if makePoint {
		if err := r.mountPoint(path, info.IsDir()); err != nil {
			return because(err, opShow, path)
		}
	}
	if err := unix.Mount(source, r.at(path), "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return because(err, opShow, path)
	}
	return because(restrict(r.at(path), flags), opShow, path)
}

func (r *root) mountPoint(path string, dir bool) error {
	if dir {
		return os.MkdirAll(r.at(path), 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(r.at(path)), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(r.at(path), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o444)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// seal makes root and /dev read-only and changes into the root; the device's root is
// detached and out of reach (pivot_root(2), "pivot_root(".", ".")").
func (r *root) seal() error {
	for _, path := range [...]string{"/dev", ""} {
		if err := restrictOne(r.at(path), readOnly); err != nil {
			return because(err, "make read-only", path+"/")
		}
	}
	if err := unix.Chdir(r.base); err != nil {
		return because(err, "enter root", "/")
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return because(err, "change root", "/")
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return because(err, "detach the device's root", "/")
	}
	return because(unix.Chdir("/"), "enter root", "/")
}
