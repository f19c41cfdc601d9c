package artifact

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
)

// Contents are the files of an archive.
type Contents struct {
	Info
	files map[string]bool
}

// Has tells whether the archive has a regular file, or a link, at the
// slash-separated path.
func (c Contents) Has(p string) bool { return c.files[p] }

// List reads an archive through, checking all that [Unpack] checks, and writes
// nothing.
func List(ctx context.Context, f *os.File, l Limits) (Contents, error) {
	c := Contents{files: map[string]bool{}}
	info, err := walk(ctx, f, l, func(e entry) error {
		if e.kind != fs.ModeDir {
			c.files[e.path] = true
		}
		if e.kind == 0 {
			_, err := io.Copy(io.Discard, e.body)
			return err
		}
		return nil
	})
	if err != nil {
		return Contents{}, ours(err)
	}
	c.Info = info
	return c, nil
}

// ours gives errors of decompression, which come through io.Copy, their kind.
func ours(err error) error {
	var e *fail.Error
	if errors.As(err, &e) {
		return err
	}
	return readError(err, "read archive")
}

// Unpack writes an archive's files to a new directory. dir must not exist; it
// appears complete and synced, or not at all. Files have mode 0644, or 0755 if
// any execute bit was set; directories 0755; owner and times are not kept.
func Unpack(ctx context.Context, f *os.File, dir string, l Limits) (info Info, err error) {
	const op = "unpack artifact"
	if _, err := os.Lstat(dir); err == nil {
		return Info{}, fail.New(fail.Conflict, op, "the directory exists").On(dir)
	}
	aside, err := os.MkdirTemp(filepath.Dir(dir), TempPrefix+filepath.Base(dir)+"-")
	if err != nil {
		return Info{}, diskError(err, op, dir)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(aside))
		}
	}()
	u, err := newUnpacking(aside)
	if err != nil {
		return Info{}, diskError(err, op, dir)
	}
	info, err = walk(ctx, f, l, u.write)
	if err = errors.Join(err, u.finish(err == nil)); err != nil {
		return Info{}, unpackError(err, dir)
	}
	if err := os.Rename(aside, dir); err != nil {
		return Info{}, diskError(err, op, dir)
	}
	return info, diskError(durable.SyncDir(filepath.Dir(dir)), op, dir)
}

// TempPrefix begins the names of directories and files that are being built;
// after a crash they may be removed.
const TempPrefix = ".tmp-"

func unpackError(err error, dir string) error {
	var disk *fs.PathError
	if errors.As(err, &disk) {
		return diskError(err, "unpack artifact", dir)
	}
	return ours(err)
}

// unpacking writes below a root that no path leaves (os.Root).
type unpacking struct {
	root *os.Root
	dirs map[string]bool
}

func newUnpacking(dir string) (*unpacking, error) {
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	return &unpacking{root: root, dirs: map[string]bool{".": true}}, err
}

func (u *unpacking) write(e entry) error {
	if e.kind == fs.ModeDir {
		return u.mkdir(e.path)
	}
	if err := u.mkdir(path.Dir(e.path)); err != nil {
		return err
	}
	if e.kind == fs.ModeSymlink {
		return u.root.Symlink(e.target, e.path)
	}
	mode := fs.FileMode(0o644)
	if e.exec {
		mode = 0o755
	}
	f, err := u.root.OpenFile(e.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, e.body)
	if err == nil {
		err = f.Chmod(mode) // whatever the umask
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (u *unpacking) mkdir(p string) error {
	if u.dirs[p] {
		return nil
	}
	if err := u.mkdir(path.Dir(p)); err != nil {
		return err
	}
	if err := u.root.Mkdir(p, 0o755); err != nil {
		return err
	}
	u.dirs[p] = true
	return u.root.Chmod(p, 0o755)
}

// finish syncs every directory, deepest first.
func (u *unpacking) finish(ok bool) error {
	var errs []error
	if ok {
		dirs := make([]string, 0, len(u.dirs))
		for d := range u.dirs {
			dirs = append(dirs, d)
		}
		slices.SortFunc(dirs, func(a, b string) int { return len(b) - len(a) })
		for _, d := range dirs {
			errs = append(errs, u.sync(d))
		}
	}
	return errors.Join(append(errs, u.root.Close())...)
}

func (u *unpacking) sync(dir string) error {
	d, err := u.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
