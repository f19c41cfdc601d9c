// Package shelf keeps what runtimes prepare: folders that are named by a hash of everything
// they are made from, so that applications that need the same share one, and another
// content is another folder.
//
// The runtimes below device/runtimes call it. It promises: a folder that exists is complete, on disk,
// and nobody's to change; it is built once however many ask for it at the same time; what an
// interrupted build leaves is removed by the next Sweep.
package shelf

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/fail"
)

// Shelf is a directory of such folders.
type Shelf struct {
	Dir string
	// Writable: the modes of what is kept let everybody write, for copies that take
	// their modes from it. Then nobody but the agent may be able to pass through Dir.
	Writable bool

	mu       sync.Mutex
	building map[string]chan struct{}
}

// Open makes the directory.
func Open(dir string) (*Shelf, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, fail.Wrap(err, fail.Internal, "open prepared dependencies", dir)
	}
	return &Shelf{Dir: dir, building: map[string]chan struct{}{}}, nil
}

// Path is where the folder of a name is, or will be.
func (s *Shelf) Path(name string) string { return filepath.Join(s.Dir, name) }

const tempPrefix = ".tmp-"

// Make has a folder built, if it is not there. build fills the directory aside, which
// gets the name path when it is done; what build leaves in aside/tmp is dropped. It is false where there was nothing to do.
func (s *Shelf) Make(ctx context.Context, name string, build func(ctx context.Context, aside, path string) error) (did bool, err error) {
	path := s.Path(name)
	release, err := s.alone(ctx, path)
	if err != nil {
		return false, err
	}
	defer release()
	if _, err := os.Stat(path); err == nil {
		return false, nil
	}
	return true, s.make(ctx, path, build)
}

// alone waits until nobody else builds the folder.
func (s *Shelf) alone(ctx context.Context, path string) (release func(), err error) {
	for {
		s.mu.Lock()
		busy, taken := s.building[path]
		if !taken {
			done := make(chan struct{})
			s.building[path] = done
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				delete(s.building, path)
				s.mu.Unlock()
				close(done)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, fail.Wrap(context.Cause(ctx), fail.Timeout, "wait for dependencies", path)
		}
	}
}

func (s *Shelf) make(ctx context.Context, path string, build func(ctx context.Context, aside, path string) error) (err error) {
	const op = "prepare dependencies"
	aside, err := os.MkdirTemp(s.Dir, tempPrefix)
	if err != nil {
		return fail.Wrap(err, fail.Exhausted, op, s.Dir)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeAll(aside))
		}
	}()
	if err := os.Mkdir(filepath.Join(aside, "tmp"), 0o700); err != nil {
		return fail.Wrap(err, fail.Exhausted, op, aside)
	}
	if err := build(ctx, aside, path); err != nil {
		return err
	}
	return fail.Wrap(s.finish(aside, path), fail.Exhausted, op, path)
}

// finish makes the folder everybody's to read and nobody's to change, and puts it in its place.
func (s *Shelf) finish(aside, path string) error {
	if err := removeAll(filepath.Join(aside, "tmp")); err != nil {
		return err
	}
	if err := s.protect(aside); err != nil {
		return err
	}
	if err := syncFileSystem(aside); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	return syncFileSystem(filepath.Dir(path))
}

// protect gives everything to the agent and takes the right to write. The program
// that built it has ended, so nothing changes meanwhile.
func (s *Shelf) protect(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := os.Lchown(path, os.Geteuid(), os.Getegid()); err != nil {
			return err
		}
		switch {
		case d.Type() == fs.ModeSymlink:
			return nil
		case !d.IsDir() && !d.Type().IsRegular():
			return os.Remove(path) // a socket or pipe of whoever built it
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o444)
		if d.IsDir() || info.Mode().Perm()&0o111 != 0 {
			mode = 0o555
		}
		if s.Writable {
			mode |= 0o222
		}
		return os.Chmod(path, mode)
	})
}

// removeAll removes what protect has protected: as another user than root the
// directories must be writable first.
func removeAll(dir string) error {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700) // RemoveAll says what is wrong, if something is
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// syncFileSystem writes all that is below dir, and more, to disk: one call
// instead of one for each of thousands of files.
func syncFileSystem(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() // opened for reading
	return unix.Syncfs(int(d.Fd()))
}

// Sweep removes all but the named. No Make may be under way.
func (s *Shelf) Sweep(needed map[string]bool) error {
	entries, err := os.ReadDir(s.Dir)
	for _, e := range entries {
		if !needed[e.Name()] {
			err = errors.Join(err, removeAll(s.Path(e.Name())))
		}
	}
	return fail.Wrap(err, fail.Internal, "sweep dependencies", s.Dir)
}
