package cgroup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// removeSoon removes a group whose processes have ended: the kernel may need a
// moment more to notice.
func removeSoon(dir string) error {
	for wait := 100 * time.Microsecond; ; wait *= 2 {
		err := os.Remove(dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, syscall.EBUSY) || wait > 20*time.Millisecond {
			return err
		}
		time.Sleep(wait)
	}
}

// removeTree removes a group and its children.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() {
			err = errors.Join(err, removeTree(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(err, removeSoon(dir))
}

// RemoveLeftovers ends every process in the groups below folder, which an agent
// that is gone had made (see [Parent.Folders]), and removes them and it. Groups
// that are in use by p, the present agent's place, stay.
func RemoveLeftovers(ctx context.Context, folder string, p *Parent) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	present := false
	for _, own := range p.Folders() {
		present = present || own == folder
	}
	var errs []error
	for _, e := range entries {
		if !e.IsDir() || present && p.uses(e.Name()) {
			continue
		}
		dir := filepath.Join(folder, e.Name())
		errs = append(errs, killAll(ctx, dir), removeTree(dir))
	}
	if !present {
		errs = append(errs, removeSoon(folder))
	}
	return errors.Join(errs...)
}

func (p *Parent) uses(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.groups[name] != nil
}

// killAll sends SIGKILL to the processes of a group until none is left.
func killAll(ctx context.Context, dir string) error {
	for {
		pids := words(filepath.Join(dir, "cgroup.procs"))
		if len(pids) == 0 {
			return nil
		}
		if err := write(dir, "cgroup.kill", "1"); err != nil { // version 2, Linux 5.14
			for _, text := range pids {
				if pid, err := strconv.Atoi(text); err == nil && pid > 1 {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
}
