package image

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"fescue.dev/fescue/fail"
)

// Limits bound what an image may unpack to.
type Limits struct {
	Bytes   int64 // of all files
	Entries int
}

// DefaultLimits are generous for what a device has room for.
func DefaultLimits() Limits { return Limits{Bytes: 8 << 30, Entries: 500_000} }

const (
	maxPath   = 1024 // bytes of a path, as in artifacts
	whiteout  = ".wh."
	opaque    = ".wh..wh..opq" // all that lower layers have in the directory is gone
	metadata  = ".wh..wh."     // of AUFS, besides opaque: nothing of the image
	fileMode  = 0o666          // see package shelf, and container.Container: the owner is nobody's concern
	programme = 0o777
)

// Unpack writes a layer's entries into an empty directory, with the entries that stand
// for a removal (whiteouts) as empty files under their own name, and takes what it has used from the limits.
func (l Layer) Unpack(ctx context.Context, dir string, left *Limits) error {
	c, err := l.open(ctx)
	if err != nil {
		return err
	}
	defer c.blob.Close() //nolint:errcheck // only read
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fail.Wrap(err, fail.Internal, "unpack layer", dir)
	}
	defer root.Close() //nolint:errcheck // what was written is synced by who gave the directory
	u := &unpacking{layer: l, root: root, left: left, dirs: map[string]bool{".": true}}
	for r := tar.NewReader(c.tar); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return c.finish(l)
		}
		if err != nil {
			return ours(err, l.name)
		}
		if err := u.entry(h, r); err != nil {
			return err
		}
	}
}

// unpacking writes entries below a root.
type unpacking struct {
	layer Layer
	root  *os.Root
	left  *Limits
	dirs  map[string]bool // that this layer has made: real directories, no links to any
}

// refused is the error of an entry.
func (u *unpacking) refused(entry, format string, args ...any) *fail.Error {
	if len(entry) > 200 {
		entry = entry[:200] + "…"
	}
	e := fail.New(fail.Invalid, "unpack layer", format, args...).On(entry)
	return e.WithHint("The entry is in the layer %s: build the image without it.", u.layer.ID)
}

func (u *unpacking) entry(h *tar.Header, body io.Reader) error {
	name, err := u.name(h.Name)
	if err != nil || name == "." {
		return err
	}
	if u.left.Entries--; u.left.Entries < 0 {
		return u.refused(name, "the image has too many entries")
	}
	base := path.Base(name)
	switch {
	case strings.HasPrefix(base, metadata) && base != opaque:
		return nil
	case strings.HasPrefix(base, whiteout):
		if hidden := strings.TrimPrefix(base, whiteout); hidden == "" || hidden == "." || hidden == ".." {
			return u.refused(name, "it removes nothing that can be named")
		}
		return u.file(name, 0, strings.NewReader(""), fileMode)
	}
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil
	case tar.TypeDir:
		return u.dir(name)
	case tar.TypeReg:
		mode := fs.FileMode(fileMode)
		if h.Mode&0o111 != 0 {
			mode = programme
		}
		return u.file(name, h.Size, body, mode)
	case tar.TypeSymlink:
		return u.symlink(name, h.Linkname)
	case tar.TypeLink:
		return u.link(name, h.Linkname)
	case tar.TypeChar, tar.TypeBlock:
		if strings.HasPrefix(name, "dev/") {
			return nil // a container has a /dev of its own
		}
		return u.refused(name, "it is a device file")
	}
	return u.refused(name, "it is neither a file nor a directory nor a link (type %q)", h.Typeflag)
}

// name is an entry's path below the root: with neither a leading slash nor "..".
func (u *unpacking) name(raw string) (string, error) {
	switch {
	case len(raw) > maxPath:
		return "", u.refused(raw, "its path is longer than %d bytes", maxPath)
	case strings.ContainsRune(raw, 0):
		return "", u.refused(raw, "its path holds a NUL")
	}
	for part := range strings.SplitSeq(raw, "/") {
		if part == ".." {
			return "", u.refused(raw, "its path leads out of the image")
		}
	}
	return path.Clean(strings.TrimLeft(path.Clean(raw), "/") + "/."), nil
}

// parent makes the directories above an entry. What is written lies in directories that this
// layer has made, never behind a link.
func (u *unpacking) parent(name string) error { return u.mkdir(name, path.Dir(name)) }

func (u *unpacking) mkdir(entry, dir string) error {
	if u.dirs[dir] {
		return nil
	}
	if err := u.mkdir(entry, path.Dir(dir)); err != nil {
		return err
	}
	switch info, err := u.root.Lstat(dir); {
	case err == nil && info.Mode()&fs.ModeSymlink != 0:
		return u.refused(entry, "its path leads through the symbolic link %s", dir)
	case err == nil:
		return u.refused(entry, "its path leads through %s, which is no directory", dir)
	}
	u.dirs[dir] = true
	return u.disk(u.root.Mkdir(dir, 0o777), dir)
}

// clear removes what the layer had under the name before: the last entry counts.
func (u *unpacking) clear(name string) error {
	if err := u.parent(name); err != nil {
		return err
	}
	if _, err := u.root.Lstat(name); err != nil {
		return nil // it is not there, or creating will say why not
	}
	if u.dirs[name] {
		for dir := range u.dirs {
			if dir == name || strings.HasPrefix(dir, name+"/") {
				delete(u.dirs, dir)
			}
		}
	}
	return u.disk(u.root.RemoveAll(name), name)
}

func (u *unpacking) dir(name string) error {
	if u.dirs[name] {
		return nil
	}
	if err := u.clear(name); err != nil {
		return err
	}
	u.dirs[name] = true
	return u.disk(u.root.Mkdir(name, 0o777), name)
}

func (u *unpacking) file(name string, size int64, body io.Reader, mode fs.FileMode) error {
	if u.left.Bytes -= size; u.left.Bytes < 0 {
		return u.refused(name, "the image is too large unpacked").WithHint("It may have %s; make it smaller.", "8 GiB")
	}
	if err := u.clear(name); err != nil {
		return err
	}
	f, err := u.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return u.disk(err, name)
	}
	_, err = io.Copy(f, body)
	if err == nil {
		err = f.Chmod(mode) // whatever the umask
	}
	if err = errors.Join(err, f.Close()); err == nil {
		return nil
	}
	var disk *fs.PathError
	if errors.As(err, &disk) {
		return u.disk(err, name)
	}
	return ours(err, name)
}

// symlink keeps the target as it stands: it is for the container's programs, within their root, and
// followed by nobody here.
func (u *unpacking) symlink(name, target string) error {
	if target == "" || len(target) > maxPath || strings.ContainsRune(target, 0) {
		return u.refused(name, "its target is empty, too long or holds a NUL")
	}
	if err := u.clear(name); err != nil {
		return err
	}
	return u.disk(u.root.Symlink(target, name), name)
}

// link is another name for a file of the same layer.
func (u *unpacking) link(name, raw string) error {
	target, err := u.name(raw)
	if err != nil {
		return u.refused(name, "it is a link to %q, which leads out of the image", raw)
	}
	if target == name {
		return u.refused(name, "it is a link to itself")
	}
	info, err := u.root.Lstat(target)
	if err != nil || !u.dirs[path.Dir(target)] || info.IsDir() {
		return u.refused(name, "it is a link to %s, which is no file of the layer before it", raw)
	}
	if err := u.clear(name); err != nil {
		return err
	}
	return u.disk(u.root.Link(target, name), name)
}

func (u *unpacking) disk(err error, name string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fail.Wrap(err, fail.Exhausted, "unpack layer", name)
	}
	return fail.Wrap(err, fail.Invalid, "unpack layer", name)
}
