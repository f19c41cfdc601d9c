package artifact

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"fescue.dev/fescue/fail"
)

// checker lets an entry pass only when it is harmless where it stands.
type checker struct {
	ctx    context.Context
	limits Limits
	size   int64 // bytes of the archive
	each   func(entry) error

	entries int
	info    Info
	kinds   map[string]fs.FileMode // of every path seen, parents included
}

func newChecker(ctx context.Context, l Limits, size int64, each func(entry) error) *checker {
	return &checker{ctx: ctx, limits: l, size: size, each: each, kinds: map[string]fs.FileMode{}}
}

func refuse(name, why string) *fail.Error {
	if len(name) > 200 {
		name = name[:200] + "…"
	}
	return fail.New(fail.Invalid, "read archive", "the entry %q %s", name, why).
		WithHint("An artifact holds files, directories and links that stay inside it; pack it without this entry.")
}

func tooLarge(format string, args ...any) *fail.Error {
	return fail.New(fail.TooLarge, "read archive", format, args...).
		WithHint("Leave out what the application does not need; .fescueignore names what is not packed.")
}

func (c *checker) overRatio(unpacked int64) bool {
	return unpacked > mib && float64(unpacked-mib) > c.limits.Ratio*float64(c.size)
}

func (c *checker) bomb() error {
	return tooLarge("the archive unpacks to more than %.0f times its size", c.limits.Ratio)
}

// take checks an entry and hands it on; its body counts while it is read.
func (c *checker) take(e entry) error {
	if err := context.Cause(c.ctx); err != nil {
		return fail.Wrap(err, fail.Canceled, "read archive", "")
	}
	if c.entries++; c.entries > c.limits.Files {
		return tooLarge("the archive has more than %d entries", c.limits.Files)
	}
	name, err := c.cleanPath(e)
	if err != nil || name == "." {
		return err
	}
	e.path = name
	if err := c.place(e); err != nil {
		return err
	}
	if e.kind == fs.ModeSymlink && !staysInside(e.path, e.target) {
		return refuse(e.path, fmt.Sprintf("is a link to %.200q, outside the artifact", e.target))
	}
	if e.kind == 0 {
		c.info.Files++
		e.body = &counted{checker: c, r: e.body}
	}
	return c.each(e)
}

// cleanPath is the entry's path, relative and without dots, or an error.
func (c *checker) cleanPath(e entry) (string, error) {
	raw := e.path
	if e.kind == fs.ModeDir {
		raw = strings.TrimRight(raw, "/")
	}
	switch {
	case len(e.path) > c.limits.PathLength:
		return "", refuse(e.path, fmt.Sprintf("has a path of more than %d bytes", c.limits.PathLength))
	case raw == "" || strings.HasSuffix(raw, "/"):
		return "", refuse(e.path, "has no name")
	case path.IsAbs(raw):
		return "", refuse(e.path, "has an absolute path")
	case strings.ContainsAny(raw, "\\\x00") || !utf8.ValidString(raw):
		return "", refuse(e.path, "has a path that is not plain text")
	}
	for _, part := range strings.Split(raw, "/") {
		if part == ".." {
			return "", refuse(e.path, "has a path that leads out of the artifact")
		}
		if len(part) > 255 {
			return "", refuse(e.path, "has a name of more than 255 bytes")
		}
	}
	return path.Clean(raw), nil
}

// place notes the path: nothing stands twice, or below what is no directory, so
// that nothing is ever written through a link that the archive brought.
func (c *checker) place(e entry) error {
	for parent := path.Dir(e.path); parent != "."; parent = path.Dir(parent) {
		if kind, known := c.kinds[parent]; known {
			if kind != fs.ModeDir {
				return refuse(e.path, "is below an entry that is no directory")
			}
			break
		}
		c.kinds[parent] = fs.ModeDir
	}
	if kind, twice := c.kinds[e.path]; twice && (kind != fs.ModeDir || e.kind != fs.ModeDir) {
		return refuse(e.path, "stands twice in the archive")
	}
	c.kinds[e.path] = e.kind
	return nil
}

// staysInside tells whether a link at p to target leads below the root: up by at
// most the depth of p, whose parents are real directories, and then only down.
// ".." behind a name is refused, because the name may be a link itself: with a
// link k to ".", "k/.." is outside.
func staysInside(p, target string) bool {
	if target == "" || len(target) > maxLink || path.IsAbs(target) || strings.ContainsAny(target, "\\\x00") {
		return false
	}
	depth, down := strings.Count(p, "/"), false
	for _, part := range strings.Split(target, "/") {
		switch part {
		case "..":
			if depth--; down || depth < 0 {
				return false
			}
		case "", ".":
		default:
			down = true
		}
	}
	return true
}

// counted bounds the bytes of an entry while they are read.
type counted struct {
	*checker
	r io.Reader
}

// Read counts and notices that nobody waits any longer.
func (b *counted) Read(p []byte) (int, error) {
	if err := context.Cause(b.ctx); err != nil {
		return 0, fail.Wrap(err, fail.Canceled, "read archive", "")
	}
	n, err := b.r.Read(p)
	b.info.Unpacked += int64(n)
	switch {
	case b.info.Unpacked > b.limits.Unpacked:
		return n, tooLarge("the archive unpacks to more than %d bytes", b.limits.Unpacked)
	case b.overRatio(b.info.Unpacked):
		return n, b.bomb()
	}
	return n, err
}
