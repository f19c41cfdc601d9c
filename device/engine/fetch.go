package engine

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/spec"
)

// fetch brings the artifact to the device. A download that breaks off, or is
// killed, goes on where it was.
func (d *deployment) fetch(ctx context.Context) (skipped bool, err error) {
	e := d.engine
	if d.isUnpacked() {
		return true, nil
	}
	release, err := e.fetching.take(ctx, string(d.desired.Artifact)) // two applications may be of one artifact
	if err != nil {
		return false, err
	}
	defer release()
	if e.store.Has(d.desired.Artifact) {
		return true, nil
	}
	f := &download{engine: e, digest: d.desired.Artifact, path: e.partPath(d.desired.Artifact)}
	for {
		resumed := f.size() > 0
		if err := f.complete(ctx); err != nil {
			return false, err
		}
		err = f.keep(ctx)
		if err == nil {
			return false, os.Remove(f.path)
		}
		if ctx.Err() != nil || !fail.Is(err, fail.Invalid) {
			return false, err
		}
		// The bytes are wrong: those of an earlier run may have suffered from a power cut.
		if removal := os.Remove(f.path); removal != nil || !resumed {
			return false, errors.Join(err, removal)
		}
	}
}

// partPath is where an archive is that has come in part.
func (e *Engine) partPath(digest spec.Digest) string {
	return filepath.Join(e.Dir, fetchFolder, digest.Hex())
}

// download is an archive on its way.
type download struct {
	engine *Engine
	digest spec.Digest
	path   string
}

func (f *download) size() int64 {
	info, err := os.Stat(f.path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// complete fetches until all has come. It gives up when no byte came for Timing.Fetch.
func (f *download) complete(ctx context.Context) error {
	const op = "fetch artifact"
	limit := f.engine.Timing.Fetch
	pauses := backoff{first: f.engine.Timing.FirstPause, longest: 5 * time.Second, window: limit}
	lastProgress := time.Now()
	for {
		before := f.size()
		err := f.part(ctx, limit)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fail.Wrap(context.Cause(ctx), fail.Canceled, op, string(f.digest))
		}
		switch fail.KindOf(err) {
		case fail.NotFound, fail.Invalid, fail.TooLarge, fail.Exhausted:
			return fail.Wrap(err, fail.Unavailable, op, string(f.digest))
		}
		if f.size() > before {
			lastProgress = time.Now()
			pauses.failures = nil
		}
		if time.Since(lastProgress) > limit {
			return fail.New(fail.Timeout, op, "nothing came for %v: %w", limit, err).On(string(f.digest)).
				WithHint("Look at the device's connection to the server, then deploy again: it goes on where it was.")
		}
		pause, _ := pauses.next(time.Now())
		f.engine.Log.Debug("fetch artifact: trying again", "digest", f.digest, "have", f.size(), "pause", pause, "error", err)
		wait(ctx, pause)
	}
}

// part asks for the rest and takes what comes.
func (f *download) part(ctx context.Context, patience time.Duration) error {
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return diskError(err, "fetch artifact", f.path)
	}
	defer file.Close() // the digest is checked
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stalled := time.AfterFunc(patience, cancel)
	defer stalled.Stop()
	body, err := f.engine.Fetch.Artifact(ctx, f.digest, f.size())
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // only read
	room := artifact.DefaultLimits().Size - f.size()
	n, err := io.Copy(file, &lively{r: io.LimitReader(body, room+1), alive: func() { stalled.Reset(patience) }})
	if n > room {
		return fail.New(fail.TooLarge, "fetch artifact", "it has more than %d bytes", artifact.DefaultLimits().Size)
	}
	if err != nil && durable.Full(err) {
		return diskError(err, "fetch artifact", f.path)
	}
	return err
}

// lively tells that bytes come.
type lively struct {
	r     io.Reader
	alive func()
}

// Read reads on.
func (l *lively) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if n > 0 {
		l.alive()
	}
	return n, err
}

// keep puts the archive into the store, if it is what its digest says.
func (f *download) keep(ctx context.Context) error {
	file, err := os.Open(f.path)
	if err != nil {
		return diskError(err, "fetch artifact", f.path)
	}
	defer file.Close() // only read
	return f.engine.store.PutVerified(ctx, file, artifact.DefaultLimits(), f.digest)
}
