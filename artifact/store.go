package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/spec"
)

// Store keeps archives by the digest of their bytes:
//
//	DIR/sha256/ab/abcdef…   complete and synced
//	DIR/.tmp-…              on its way in
//
// Its methods are safe for concurrent use, also by several processes.
type Store struct {
	dir string
}

// Open makes the store's directory if it is not there and removes what uploads
// that were interrupted have left.
func Open(dir string) (*Store, error) {
	const op = "open artifact store"
	if err := os.MkdirAll(filepath.Join(dir, "sha256"), 0o700); err != nil {
		return nil, diskError(err, op, dir)
	}
	s := &Store{dir: dir}
	return s, s.Sweep()
}

// Sweep removes what interrupted uploads have left. Nobody may be in Put.
func (s *Store) Sweep() error {
	left, err := filepath.Glob(filepath.Join(s.dir, TempPrefix+"*"))
	for _, f := range left {
		err = errors.Join(err, os.RemoveAll(f))
	}
	return diskError(err, "sweep artifact store", s.dir)
}

func (s *Store) path(d spec.Digest) string {
	h := d.Hex()
	return filepath.Join(s.dir, "sha256", h[:2], h)
}

// Put keeps what r brings, of at most l.Size bytes, and names it by its digest.
// existed tells that the content was there before. The archive is not looked
// into: see [List].
func (s *Store) Put(ctx context.Context, r io.Reader, l Limits) (digest spec.Digest, size int64, existed bool, err error) {
	return s.put(ctx, r, l, "")
}

// PutVerified is Put for content whose digest is known: other content is
// refused.
func (s *Store) PutVerified(ctx context.Context, r io.Reader, l Limits, want spec.Digest) error {
	if err := want.Validate(); err != nil {
		return err
	}
	_, _, _, err := s.put(ctx, r, l, want)
	return err
}

func (s *Store) put(ctx context.Context, r io.Reader, l Limits, want spec.Digest) (digest spec.Digest, size int64, existed bool, err error) {
	const op = "store artifact"
	f, err := os.CreateTemp(s.dir, TempPrefix)
	if err != nil {
		return "", 0, false, diskError(err, op, s.dir)
	}
	defer func() {
		_ = f.Close() // an error that matters came from Sync
		if err != nil || existed {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	h := sha256.New()
	size, err = io.Copy(io.MultiWriter(f, h), &limited{ctx: ctx, r: r, left: l.Size, limit: l.Size})
	if err != nil {
		return "", 0, false, copyError(err, op, s.dir)
	}
	digest = digestOf(h)
	if want != "" && digest != want {
		return "", 0, false, fail.New(fail.Invalid, op, "its digest is %s", digest).On(string(want)).
			WithHint("The content was changed or damaged on the way; send it again.")
	}
	if s.Has(digest) {
		return digest, size, true, nil
	}
	return digest, size, false, diskError(s.keep(f, digest), op, s.dir)
}

func (s *Store) keep(f *os.File, d spec.Digest) error {
	if err := f.Sync(); err != nil {
		return err
	}
	to := s.path(d)
	folder := filepath.Dir(to)
	if err := os.Mkdir(folder, 0o700); err == nil {
		if err := durable.SyncDir(filepath.Dir(folder)); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.Rename(f.Name(), to); err != nil {
		return err
	}
	return durable.SyncDir(folder)
}

func copyError(err error, op, path string) error {
	var disk *fs.PathError
	if errors.As(err, &disk) {
		return diskError(err, op, path)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fail.New(fail.Invalid, op, "the upload was cut off").WithHint("Send it again.")
	}
	return fail.Wrap(err, fail.Unavailable, op, "")
}

// limited ends a copy at the size limit and when nobody waits any longer.
type limited struct {
	ctx         context.Context
	r           io.Reader
	left, limit int64
}

// Read reads on, or says why not.
func (l *limited) Read(p []byte) (int, error) {
	if err := context.Cause(l.ctx); err != nil {
		return 0, fail.Wrap(err, fail.Canceled, "store artifact", "")
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, tooLarge("the archive has more than %d bytes", l.limit)
	}
	return n, err
}

// Has tells whether the content is there.
func (s *Store) Has(d spec.Digest) bool {
	if d.Validate() != nil {
		return false
	}
	_, err := os.Stat(s.path(d))
	return err == nil
}

// Get opens the content for reading. The caller closes it.
func (s *Store) Get(d spec.Digest) (*os.File, error) {
	const op = "read artifact"
	if err := d.Validate(); err != nil {
		return nil, fail.Wrap(err, fail.Invalid, op, string(d))
	}
	f, err := os.Open(s.path(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail.New(fail.NotFound, op, "there is no such artifact").On(string(d))
	}
	return f, diskError(err, op, string(d))
}

// Delete removes the content; that it is not there is no error.
func (s *Store) Delete(d spec.Digest) error {
	if err := d.Validate(); err != nil {
		return err
	}
	err := os.Remove(s.path(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return diskError(errors.Join(err, durable.SyncDir(filepath.Dir(s.path(d)))), "delete artifact", string(d))
}

// List is the digests of all that is kept, sorted.
func (s *Store) List() ([]spec.Digest, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "sha256", "??", strings.Repeat("?", 64)))
	var all []spec.Digest
	for _, f := range files {
		all = append(all, spec.Digest("sha256:"+filepath.Base(f)))
	}
	return all, err
}

// DigestOf is the digest and the number of the bytes that r brings.
func DigestOf(r io.Reader) (spec.Digest, int64, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return digestOf(h), n, err
}

func digestOf(h hash.Hash) spec.Digest {
	return spec.Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
}
