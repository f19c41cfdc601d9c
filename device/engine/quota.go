package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// What an application keeps in its data directory is bounded by limits.disk. A file
// system's own quotas are rarely to be had on a device, so the engine looks: every
// second, and more often while it gets less, whether the disk has noticeably less
// room, and if so who took it. Who is over its limit is ended, and started again
// only when it is below; a single file cannot grow over the limit in between (RLIMIT_FSIZE).
const (
	lookAtDisk = time.Second
	lookSoon   = 100 * time.Millisecond // while somebody writes
	noticeable = 4 << 20                // bytes that are worth a search
	searchDisk = time.Minute            // also without any
	inodeBytes = 1024                   // that a file takes at least, were it empty
)

// programs are the running programs of an application.
type programs struct {
	mu  sync.Mutex
	all map[*program]struct{}
}

// add notes a program until it has ended.
func (p *programs) add(one *program) {
	p.mu.Lock()
	if p.all == nil {
		p.all = map[*program]struct{}{}
	}
	p.all[one] = struct{}{}
	p.mu.Unlock()
	go func() {
		<-one.done
		p.mu.Lock()
		delete(p.all, one)
		p.mu.Unlock()
	}()
}

// end ends all of them and returns when none is left of those there were.
func (p *programs) end(grace time.Duration) { p.endOf(nil, grace) }

// endOf is end of the programs of one version; of all with nil.
func (p *programs) endOf(l *launcher, grace time.Duration) {
	p.mu.Lock()
	var wait sync.WaitGroup
	for one := range p.all {
		if l != nil && one.of != l {
			continue
		}
		wait.Go(func() { one.stop(grace) })
	}
	p.mu.Unlock()
	wait.Wait()
}

// watchDisk keeps applications within limits.disk until ctx ends.
func (e *Engine) watchDisk(ctx context.Context) {
	var free uint64
	var searched time.Time
	pause := lookAtDisk
	for wait(ctx, pause) {
		now := freeBytes(e.Dir)
		if now+noticeable > free && time.Since(searched) < searchDisk {
			free = max(free, now) // room that was given back may be taken again
			pause = lookAtDisk
			continue
		}
		free, searched = now, time.Now()
		for _, a := range e.all() {
			if ctx.Err() != nil {
				return
			}
			a.keepWithinDisk()
		}
		pause = max(lookSoon, 10*time.Since(searched)) // a search shall not be what the device does
	}
}

func freeBytes(dir string) uint64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0
	}
	return s.Bfree * uint64(s.Bsize) //nolint:gosec,unconvert // a block size is positive; its type differs by processor
}

// keepWithinDisk ends the application's programs if its data take too much.
func (a *application) keepWithinDisk() {
	active := a.record().Active
	if active == nil {
		return
	}
	if err := a.checkData(active.Configuration.Limits.Disk); err != nil {
		a.writer(active).Note("error", err.Error()+": its programs are ended")
		a.log.Warn("an application is over its limit", "error", err)
		a.programs.end(time.Second) // it goes on writing until then
	}
}

// checkData is an error if the application's data take more than the limit.
func (a *application) checkData(limit spec.Bytes) error {
	if limit <= 0 {
		return nil
	}
	used, err := usedBytes(a.dataPath(), int64(limit))
	if err != nil {
		return fail.Wrap(err, fail.Internal, "measure data", a.dataPath())
	}
	if used <= int64(limit) {
		return nil
	}
	return fail.New(fail.Exhausted, "", "its data take more than limits.disk, %s", limit).
		WithHint("Remove what it does not need from %s, or deploy a version with a higher limit.", a.dataPath())
}

var errEnough = errors.New("enough")

// usedBytes is what the files below a directory take on the disk, each once; when it
// is more than most, that is all that counts. Links are not followed.
func usedBytes(dir string, most int64) (total int64, err error) {
	seen := map[uint64]bool{}
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return skipVanished(err)
		}
		info, err := d.Info()
		if err != nil {
			return skipVanished(err)
		}
		s := info.Sys().(*syscall.Stat_t)
		if s.Nlink > 1 && !d.IsDir() {
			if seen[s.Ino] {
				return nil
			}
			seen[s.Ino] = true
		}
		if total += max(s.Blocks*512, inodeBytes); total > most {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return total, err
}

// skipVanished: the application goes on while it is measured.
func skipVanished(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("look at files: %w", err)
}
