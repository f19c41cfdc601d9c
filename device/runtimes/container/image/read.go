package image

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

func cutDigest(name string) (hex string, ok bool) { return strings.CutPrefix(name, "sha256:") }

// content is a layer's tar archive while it is read. Its digests are told when all of it
// has been read.
type content struct {
	blob io.ReadCloser
	raw  *summed // as it is kept
	tar  *summed // without its compression
}

// summed computes the digest of what is read through it.
type summed struct {
	from io.Reader
	hash hash.Hash
}

func sum(r io.Reader) *summed { return &summed{r, sha256.New()} }

// Read reads on.
func (s *summed) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	s.hash.Write(p[:n])
	return n, err
}

func (s *summed) digest() spec.Digest { return digestOf([sha256.Size]byte(s.hash.Sum(nil))) }

// open begins to read the layer.
func (l Layer) open(ctx context.Context) (*content, error) {
	blob, err := l.from.open(ctx, l.name, false)
	if err != nil {
		return nil, err
	}
	c := &content{blob: blob, raw: sum(&interruptible{ctx, blob})}
	buffered := bufio.NewReaderSize(c.raw, 64<<10)
	magic, _ := buffered.Peek(len(zstdMagic)) // a shorter layer is no archive either
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			_ = blob.Close() // only read
			return nil, broken(l.name, "the layer is not gzip: %v", err)
		}
		c.tar = sum(unzipped)
	case bytes.HasPrefix(magic, zstdMagic):
		_ = blob.Close() // only read
		return nil, fail.New(fail.Unsupported, op, "the layer is compressed with zstd").On(l.name).
			WithHint("Save the image with layers in gzip: skopeo copy --dest-compress-format gzip, or podman push --compression-format gzip.")
	default:
		c.tar = sum(buffered)
	}
	return c, nil
}

// finish reads what is left and compares the digests.
func (c *content) finish(l Layer) error {
	for _, r := range []io.Reader{c.tar, c.raw} {
		if _, err := io.Copy(io.Discard, r); err != nil {
			return ours(err, l.name)
		}
	}
	if got := c.raw.digest(); l.digest != "" && got != l.digest {
		return broken(l.name, "the layer's content has the digest %s", got)
	}
	if got := c.tar.digest(); got != l.ID {
		return broken(l.name, "the layer's content, uncompressed, has the digest %s, and the configuration says %s", got, l.ID)
	}
	return nil
}

// interruptible ends reading when ctx ends.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

// Read reads on, or says why not.
func (i *interruptible) Read(p []byte) (int, error) {
	if err := context.Cause(i.ctx); err != nil {
		return 0, fail.Wrap(err, fail.Canceled, op, "")
	}
	return i.r.Read(p)
}
