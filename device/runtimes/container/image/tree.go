package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/fail"
)

// Merge makes one tree of unpacked layers, the lowest first, as an overlay of them would show it:
// a directory takes the place of a link or file of a lower layer, and the other way round.
// Files are hard links: they take no room of their own. dir must be empty, and nobody may
// change it, or the layers, meanwhile.
func Merge(layers []string, dir string) error {
	for _, layer := range layers {
		err := filepath.WalkDir(layer, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(layer, path)
			if err != nil {
				return err
			}
			return add(path, d, filepath.Join(dir, rel))
		})
		if err != nil {
			return fail.Wrap(err, fail.Exhausted, "join layers", dir)
		}
	}
	return nil
}

// add puts one entry of a layer at to, whose parent is a real directory: it was visited before.
func add(from string, d fs.DirEntry, to string) error {
	if strings.HasPrefix(d.Name(), whiteout) {
		return nil
	}
	info, err := os.Lstat(to)
	there := err == nil
	if there && !(d.IsDir() && info.IsDir()) {
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		there = false
	}
	switch {
	case !d.IsDir():
		return os.Link(from, to)
	case !there:
		return os.Mkdir(to, 0o777)
	}
	return remove(from, to)
}

// remove does what the whiteouts of a directory say. It comes before the directory's own
// entries, for they are about lower layers alone.
func remove(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		hidden, is := strings.CutPrefix(e.Name(), whiteout)
		switch {
		case !is:
		case e.Name() == opaque:
			err = errors.Join(err, empty(to))
		default:
			err = errors.Join(err, os.RemoveAll(filepath.Join(to, hidden)))
		}
	}
	return err
}

func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}
