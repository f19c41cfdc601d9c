package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// sweep removes what a killed agent left half made, and gives the records of
// the applications that are there. Nothing runs yet.
func (e *Engine) sweep() (map[spec.Name]record, error) {
	dir := filepath.Join(e.Dir, appsFolder)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fail.Wrap(err, fail.Internal, "read applications", dir)
	}
	known := map[spec.Name]record{}
	for _, entry := range entries {
		name, path := spec.Name(entry.Name()), filepath.Join(dir, entry.Name())
		if name.Validate() != nil {
			continue // not ours
		}
		r, ok, err := readRecord(filepath.Join(path, recordFile))
		switch {
		case err != nil:
			e.Log.Error("the record of an application cannot be read and was put aside: the server's word counts", "application", name, "error", err)
		case !ok:
			err = e.discard(path)
		default:
			known[name] = r
			err = e.sweepApplication(newApplication(e, name, r))
		}
		if err != nil {
			e.Log.Warn("clear up", "application", name, "error", err)
		}
	}
	poke(e.keeper)
	return known, nil
}

// discard removes what an application without a record has left, unless its record was
// put aside: then its data may be wanted.
func (e *Engine) discard(path string) error {
	if _, err := os.Stat(filepath.Join(path, recordFile+".unreadable")); err == nil {
		return nil
	}
	return os.RemoveAll(path)
}

// sweepApplication removes temporary files, and every version but the active: one that
// was being prepared is unpacked anew, since commands may have changed it.
func (e *Engine) sweepApplication(a *application) error {
	entries, err := os.ReadDir(a.dir)
	for _, entry := range entries {
		if temporary(entry.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(a.dir, entry.Name())))
		}
	}
	return errors.Join(err, a.removeVersions(a.rec.Active))
}

// housekeep removes artifacts, parts of them, and packages that nobody needs any
// more, when something may have become so and nobody is preparing.
func (e *Engine) housekeep(ctx context.Context) {
	for {
		select {
		case <-e.keeper:
		case <-ctx.Done():
			return
		}
		for !e.material.TryLock() {
			if !wait(ctx, 250*time.Millisecond) {
				return
			}
		}
		err := e.removeUnneeded(ctx)
		e.material.Unlock()
		if err != nil && ctx.Err() == nil {
			e.Log.Warn("remove what is not needed any more", "error", err)
		}
	}
}

func (e *Engine) removeUnneeded(ctx context.Context) error {
	artifacts := map[spec.Digest]bool{}
	keep := map[string][]runtimes.Application{}
	for _, a := range e.all() {
		r := a.record()
		for _, d := range []*spec.DesiredApplication{r.Active, r.underway()} {
			if d != nil && !r.Removing {
				artifacts[d.Artifact] = true
				name := d.Configuration.Runtime.Name()
				keep[name] = append(keep[name], a.unpacked(d))
			}
		}
	}
	errs := []error{e.removeArtifacts(artifacts)}
	for _, r := range e.Runtimes {
		errs = append(errs, r.Sweep(ctx, keep[r.Name()]))
	}
	return errors.Join(errs...)
}

func (e *Engine) removeArtifacts(keep map[spec.Digest]bool) error {
	digests, err := e.store.List()
	for _, digest := range digests {
		if !keep[digest] {
			err = errors.Join(err, e.store.Delete(digest))
		}
	}
	parts, reading := os.ReadDir(filepath.Join(e.Dir, fetchFolder))
	err = errors.Join(err, reading)
	for _, part := range parts {
		if !keep[spec.Digest("sha256:"+part.Name())] {
			err = errors.Join(err, os.Remove(filepath.Join(e.Dir, fetchFolder, part.Name())))
		}
	}
	return err
}
