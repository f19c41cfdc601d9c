package disk

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// sync brings the file's contents to the disk, and its length; the rest of what
// the file system knows of it may follow.
func (w *Writer) sync() error {
	for {
		err := unix.Fdatasync(int(w.file.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Replace gives a file new contents, durably and at once: whatever happens, it has
// the old or the new.
func Replace(path string, contents []byte) error {
	fresh := path + ".new"
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return refused(err, path)
	}
	_, err = f.Write(contents)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return refused(errors.Join(err, os.Remove(fresh)), path)
	}
	if err := os.Rename(fresh, path); err != nil {
		return refused(err, path)
	}
	return SyncDir(filepath.Dir(path))
}
