// Package durable writes files that outlive a power cut. A function that has returned
// without an error has its result on the disk; until then, whatever happens, what was
// there before is there.
package durable

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Suffix ends the name of a file that is being written. After a crash such a file may
// be removed; the next [Replace] of the same path does.
const Suffix = ".new"

// Replace gives a file, readable by its owner alone, new contents at once: it has the old
// or the new. There must be one caller at a time for a path.
func Replace(path string, contents []byte) error {
	fresh := path + Suffix
	if err := write(fresh, contents); err != nil {
		_ = os.Remove(fresh) // the first error tells more
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

func write(path string, contents []byte) error {
	_ = os.Remove(path) // what a crash left may have another mode
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(contents)
	return errors.Join(err, f.Sync(), f.Close())
}

// SyncDir makes the names in a directory durable: what was made, renamed or removed there.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Full tells whether an error means that there is no room on the disk, or no more for
// this user.
func Full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
