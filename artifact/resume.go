package artifact

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// partPrefix begins the names of downloads that can be continued.
const partPrefix = ".part-"

// Resume brings the content of a digest into the store, continuing where an
// earlier call was cut: open is asked for the bytes from an offset on. What
// arrived is kept when it fails, unless it proves to be other content.
func (s *Store) Resume(ctx context.Context, want spec.Digest, l Limits, open func(offset int64) (io.ReadCloser, error)) (err error) {
	const op = "fetch artifact"
	if err := want.Validate(); err != nil {
		return fail.Wrap(err, fail.Invalid, op, string(want))
	}
	f, err := os.OpenFile(filepath.Join(s.dir, partPrefix+want.Hex()), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return diskError(err, op, s.dir)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	offset, err := io.Copy(h, f) // leaves the file at its end
	if err != nil {
		return diskError(err, op, s.dir)
	}
	body, err := open(offset)
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // only read
	_, err = io.Copy(io.MultiWriter(f, h), &limited{ctx: ctx, r: body, left: l.Size - offset, limit: l.Size})
	if err != nil {
		if fail.Is(err, fail.TooLarge) {
			err = errors.Join(err, os.Remove(f.Name()))
		}
		return fetchError(err, s.dir)
	}
	if got := digestOf(h); got != want {
		return errors.Join(fail.New(fail.Unavailable, op, "what arrived has the digest %s", got).On(string(want)).
			WithHint("It was damaged on the way or on this disk, and is fetched again from the start."), os.Remove(f.Name()))
	}
	return diskError(s.keep(f, want), op, s.dir)
}

// fetchError: a body that ends early is the network's fault and not the archive's.
func fetchError(err error, dir string) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fail.New(fail.Unavailable, "fetch artifact", "the connection was cut")
	}
	return copyError(err, "fetch artifact", dir)
}

// DropParts removes what downloads that were cut have left.
func (s *Store) DropParts() error {
	left, err := filepath.Glob(filepath.Join(s.dir, partPrefix+"*"))
	for _, f := range left {
		err = errors.Join(err, os.Remove(f))
	}
	return diskError(err, "sweep artifact store", s.dir)
}
