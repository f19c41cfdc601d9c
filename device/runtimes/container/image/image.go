package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

const op = "read image"

// Limits of one image.
const (
	maxDocument = 4 << 20 // bytes of a manifest or configuration
	maxLayers   = 128
)

// Config is what an image says of its program (OCI image specification, config.md).
type Config struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Config       struct {
		User       string   `json:"User"`
		Env        []string `json:"Env"`
		Entrypoint []string `json:"Entrypoint"`
		Cmd        []string `json:"Cmd"`
		WorkingDir string   `json:"WorkingDir"`
		StopSignal string   `json:"StopSignal"`
	} `json:"config"`
	RootFS struct {
		DiffIDs []spec.Digest `json:"diff_ids"`
	} `json:"rootfs"`
}

// Image is one for this device's platform.
type Image struct {
	Config Config
	Layers []Layer // the lowest first
}

// Layer is one of an image.
type Layer struct {
	// ID is the digest of the layer without its compression: what names its content.
	ID     spec.Digest
	name   string      // of the blob
	digest spec.Digest // of the blob; "" where only ID is known
	from   blobs
}

// blobs are the parts of an image by name: their digest, or their path in an archive of docker's.
type blobs interface {
	open(ctx context.Context, name string, isManifest bool) (io.ReadCloser, error)
}

// descriptor refers to a blob (OCI image specification, descriptor.md).
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      spec.Digest       `json:"digest"`
	Platform    *platform         `json:"platform"`
	Annotations map[string]string `json:"annotations"`
}

type platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
}

// String is "linux/arm/v7".
func (p *platform) String() string {
	return strings.TrimSuffix(p.OS+"/"+p.Architecture+"/"+p.Variant, "/")
}

// document is an index or a manifest.
type document struct {
	Manifests []descriptor `json:"manifests"`
	Config    *descriptor  `json:"config"`
	Layers    []descriptor `json:"layers"`
}

// find reads the image that a digest names: a manifest, or an index of manifests for
// several platforms.
func find(ctx context.Context, from blobs, digest spec.Digest, arch string) (*Image, error) {
	for range 3 { // an index may name indexes
		var d document
		if err := readDocument(ctx, from, string(digest), digest, true, &d); err != nil {
			return nil, err
		}
		if d.Config != nil {
			return manifest(ctx, from, d, arch)
		}
		next, err := choose(d.Manifests, arch)
		if err != nil {
			return nil, err
		}
		digest = next.Digest
	}
	return nil, broken(string(digest), "its indexes name indexes, too many times")
}

// broken is the error of an image that is not as it should be.
func broken(what, format string, args ...any) *fail.Error {
	return fail.New(fail.Invalid, op, format, args...).On(what).
		WithHint("Make the image's archive again (podman save, docker save, skopeo copy, buildah push), or pull it anew.")
}

// choose takes the one manifest that is for this platform.
func choose(all []descriptor, arch string) (descriptor, error) {
	variants := []string{"", "v8", "v7", "v6", "v5", "v1"} // those that any device of the architecture is likely to run, the best first
	var fit []descriptor
	var platforms []string
	for _, d := range all {
		p := d.Platform
		if p == nil {
			p = &platform{OS: "linux", Architecture: arch} // its configuration will tell
		}
		if p.OS == "linux" && p.Architecture == arch && slices.Contains(variants, p.Variant) {
			fit = append(fit, d)
		}
		platforms = append(platforms, p.String())
	}
	rank := func(d descriptor) int {
		if d.Platform == nil {
			return 0
		}
		return slices.Index(variants, d.Platform.Variant)
	}
	slices.SortStableFunc(fit, func(a, b descriptor) int { return rank(a) - rank(b) })
	switch {
	case len(fit) == 0:
		return descriptor{}, unsuitable(strings.Join(platforms, ", "), arch)
	case len(fit) > 1 && rank(fit[0]) == rank(fit[1]):
		return descriptor{}, fail.New(fail.Invalid, op, "there are %d images for this platform", len(fit)).
			WithHint("Save one image alone into the archive.")
	}
	return fit[0], nil
}

func unsuitable(platforms, arch string) error {
	if platforms == "" {
		platforms = "none"
	}
	return fail.New(fail.Unsupported, op, "the image is for %s, this device is linux/%s", platforms, arch).
		WithHint("Build or pull the image for this device's platform, and tell it by `platform: linux/...`.")
}

func manifest(ctx context.Context, from blobs, d document, arch string) (*Image, error) {
	i := &Image{}
	if err := readDocument(ctx, from, string(d.Config.Digest), d.Config.Digest, false, &i.Config); err != nil {
		return nil, err
	}
	for _, l := range d.Layers {
		if err := l.Digest.Validate(); err != nil {
			return nil, broken(string(l.Digest), "a layer's digest is not sha256")
		}
		i.Layers = append(i.Layers, Layer{name: string(l.Digest), digest: l.Digest, from: from})
	}
	return i, i.finish(arch)
}

// finish joins layers and configuration.
func (i *Image) finish(arch string) error {
	ids := i.Config.RootFS.DiffIDs
	switch {
	case i.Config.OS != "linux" || i.Config.Architecture != arch:
		return unsuitable(i.Config.OS+"/"+i.Config.Architecture, arch)
	case len(ids) != len(i.Layers):
		return broken("rootfs", "the configuration has %d layers, the manifest %d", len(ids), len(i.Layers))
	case len(ids) > maxLayers:
		return fail.New(fail.TooLarge, op, "the image has %d layers, more than %d", len(ids), maxLayers)
	}
	for n, id := range ids {
		if err := id.Validate(); err != nil {
			return broken(string(id), "the digest of layer %d is not sha256", n+1)
		}
		i.Layers[n].ID = id
	}
	return nil
}

// readDocument reads a small JSON document; digest "" is not checked.
func readDocument(ctx context.Context, from blobs, name string, digest spec.Digest, isManifest bool, into any) error {
	if digest != "" && digest.Validate() != nil {
		return broken(name, "the digest is not sha256")
	}
	r, err := from.open(ctx, name, isManifest)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	switch {
	case err != nil:
		return fail.Wrap(err, fail.Unavailable, op, name)
	case len(text) > maxDocument:
		return broken(name, "a manifest of more than %d bytes", maxDocument)
	}
	if sum := digestOf(sha256.Sum256(text)); digest != "" && sum != digest {
		return broken(name, "the content has the digest %s", sum)
	}
	if err := json.Unmarshal(bytes.TrimSpace(text), into); err != nil {
		return broken(name, "it is not the JSON of an image: %v", err)
	}
	return nil
}

func digestOf(sum [sha256.Size]byte) spec.Digest {
	return spec.Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// Program is what the image starts: its entry point with its arguments.
func (c Config) Program() []string {
	return append(slices.Clone(c.Config.Entrypoint), c.Config.Cmd...)
}

// ours keeps errors that tell the entry, and gives others a kind.
func ours(err error, what string) error {
	var e *fail.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("it ends too early: %w", err)
	}
	return broken(what, "%v", err)
}
