package artifact

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"fescue.dev/fescue/fail"
)

// entry is one thing in an archive, checked.
type entry struct {
	path   string // slash-separated, relative, clean
	kind   fs.FileMode
	exec   bool
	target string // of a symbolic link
	body   io.Reader
}

// walk calls each for every entry of an archive of any known form, in its
// order, after the checks of package checker.
func walk(ctx context.Context, f *os.File, l Limits, each func(entry) error) (Info, error) {
	const op = "read archive"
	info, err := f.Stat()
	if err != nil {
		return Info{}, diskError(err, op, f.Name())
	}
	if info.Size() > l.Size {
		return Info{}, tooLarge("the archive has %d bytes, more than %d", info.Size(), l.Size)
	}
	c := newChecker(ctx, l, info.Size(), each)
	whole := io.NewSectionReader(f, 0, info.Size())
	switch form(whole) {
	case "gzip":
		err = c.gzipTar(whole)
	case "zip":
		err = c.zip(whole)
	case "tar":
		err = c.tar(whole)
	default:
		err = fail.New(fail.Invalid, op, "this is no archive").WithHint("Send a directory, or an archive in the form tar, tar.gz or zip.")
	}
	return c.info, err
}

// form tells an archive's form by its first bytes.
func form(r io.ReaderAt) string {
	head := make([]byte, 512)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return "gzip"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return "zip"
	case len(head) == 512 && bytes.HasPrefix(head[257:], []byte("ustar")):
		return "tar"
	case len(head) == 512 && len(bytes.Trim(head, "\x00")) == 0:
		return "tar" // empty, all zeros
	}
	return ""
}

func (c *checker) gzipTar(r io.Reader) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return readError(err, "read archive")
	}
	// The rest behind the tar's end is read too, so that gzip's checksum is checked.
	counted := &expansion{checker: c, r: z}
	if err := c.tar(counted); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, counted); err != nil {
		return c.explain(err)
	}
	return nil
}

// expansion bounds what is decompressed, padding and headers included.
type expansion struct {
	*checker
	r io.Reader
	n int64
}

// Read counts.
func (e *expansion) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.n += int64(n)
	if e.overRatio(e.n) {
		return n, e.bomb()
	}
	return n, err
}

func (c *checker) tar(r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return c.explain(err)
		}
		e := entry{path: h.Name, target: h.Linkname, exec: h.Mode&0o111 != 0, body: t}
		switch h.Typeflag {
		case tar.TypeReg:
		case tar.TypeDir:
			e.kind = fs.ModeDir
		case tar.TypeSymlink:
			e.kind = fs.ModeSymlink
		case tar.TypeXGlobalHeader:
			continue
		case tar.TypeLink:
			return refuse(h.Name, "is a hard link")
		default:
			return refuse(h.Name, "is neither file, directory nor symbolic link")
		}
		if err := c.take(e); err != nil {
			return err
		}
	}
}

// maxLink is the longest target of a symbolic link.
const maxLink = 1024

func (c *checker) zip(r *io.SectionReader) error {
	z, err := zip.NewReader(r, r.Size())
	if err != nil {
		return fail.New(fail.Invalid, "read archive", "the zip file is damaged or cut off: %w", err).WithHint("Pack it again.")
	}
	for _, f := range z.File {
		if err := c.zipFile(f); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) zipFile(f *zip.File) error {
	mode := f.Mode()
	e := entry{path: f.Name, kind: mode.Type(), exec: mode&0o111 != 0}
	if e.kind&^(fs.ModeDir|fs.ModeSymlink) != 0 {
		return refuse(f.Name, "is neither file, directory nor symbolic link")
	}
	body, err := f.Open()
	if err != nil {
		return c.explain(err)
	}
	defer body.Close() //nolint:errcheck // only read
	e.body = body
	if e.kind == fs.ModeSymlink {
		target, err := io.ReadAll(io.LimitReader(body, maxLink+1))
		if err != nil {
			return c.explain(err)
		}
		e.target = string(target)
	}
	return c.take(e)
}

// explain gives an error of the archive's reader its kind, and lets our own through.
func (c *checker) explain(err error) error {
	var own *fail.Error
	if errors.As(err, &own) {
		return err
	}
	if cause := context.Cause(c.ctx); cause != nil {
		return fail.Wrap(cause, fail.Canceled, "read archive", "")
	}
	return readError(err, "read archive")
}
