package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path"

	"fescue.dev/fescue/fail"
)

const maxMembers = 10_000 // of an archive: its layers, with what belongs to them

// archive is a tar file whose members are read in any order.
type archive struct {
	file    *os.File
	members map[string]member
}

type member struct {
	offset, size int64
	link         string // another member, for a link to it
}

// FromArchive finds the image for an architecture (Go's name) in an archive that is open for reading, and stays so
// while the image is used: an OCI layout ("oci-archive"), or what `docker save` writes.
func FromArchive(ctx context.Context, f *os.File, arch string) (*Image, error) {
	a := &archive{file: f, members: map[string]member{}}
	if err := a.index(); err != nil {
		return nil, err
	}
	if _, oci := a.members["index.json"]; oci {
		var d document
		if err := readDocument(ctx, a, "index.json", "", true, &d); err != nil {
			return nil, err
		}
		first, err := choose(d.Manifests, arch)
		if err != nil {
			return nil, err
		}
		return find(ctx, a, first.Digest, arch)
	}
	return a.docker(ctx, arch)
}

// index notes where the members are. The tar reader seeks over their content.
func (a *archive) index() error {
	magic := make([]byte, 2)
	if _, err := a.file.ReadAt(magic, 0); err == nil && bytes.Equal(magic, gzipMagic) {
		return fail.New(fail.Invalid, op, "the archive is compressed as a whole").On(path.Base(a.file.Name())).
			WithHint("Use gunzip: the layers in it are compressed already.")
	}
	for r := tar.NewReader(a.file); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(path.Base(a.file.Name()), "it is not a tar archive: %v", err)
		}
		if len(a.members) == maxMembers {
			return fail.New(fail.TooLarge, op, "the archive has more than %d members", maxMembers).On(path.Base(a.file.Name()))
		}
		name := path.Clean(h.Name)
		offset, err := a.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return fail.Wrap(err, fail.Internal, op, a.file.Name())
		}
		switch h.Typeflag {
		case tar.TypeReg:
			a.members[name] = member{offset: offset, size: h.Size}
		case tar.TypeSymlink:
			a.members[name] = member{link: path.Join(path.Dir(name), h.Linkname)}
		case tar.TypeLink:
			a.members[name] = member{link: path.Clean(h.Linkname)}
		}
	}
}

// open reads a member: a blob by its digest, or any by its path.
func (a *archive) open(_ context.Context, name string, _ bool) (io.ReadCloser, error) {
	where := path.Clean(name)
	if hex, ok := cutDigest(name); ok {
		where = "blobs/sha256/" + hex
	}
	m, ok := a.members[where]
	if ok && m.link != "" {
		m, ok = a.members[m.link]
	}
	if !ok || m.link != "" {
		return nil, broken(name, "the archive has no %s", where)
	}
	return io.NopCloser(io.NewSectionReader(a.file, m.offset, m.size)), nil
}

// docker reads what `docker save` writes ("Docker Image Specification v1.2").
func (a *archive) docker(ctx context.Context, arch string) (*Image, error) {
	var images []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if _, there := a.members["manifest.json"]; !there {
		return nil, broken(path.Base(a.file.Name()), "it is no image: it has neither index.json nor manifest.json")
	}
	if err := readDocument(ctx, a, "manifest.json", "", true, &images); err != nil {
		return nil, err
	}
	if len(images) != 1 {
		return nil, fail.New(fail.Invalid, op, "the archive has %d images", len(images)).On("manifest.json").
			WithHint("Save one image alone into the archive.")
	}
	i := &Image{}
	if err := readDocument(ctx, a, images[0].Config, "", false, &i.Config); err != nil {
		return nil, err
	}
	for _, name := range images[0].Layers {
		i.Layers = append(i.Layers, Layer{name: name, from: a})
	}
	return i, i.finish(arch)
}
