// Package imagetest builds container images for tests, of any content: also of such that no tool
// would write.
package imagetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Image is what an image says of its program (OCI image specification, config.md).
type Image struct {
	User, WorkingDir, StopSignal string
	Env, Entrypoint, Cmd         []string
	Architecture                 string // "" is this machine's
	Layers                       [][]byte
}

// Layer is a tar archive of entries.
func Layer(t testing.TB, entries ...Entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.Name, Typeflag: e.Type, Linkname: e.Link, Mode: e.Mode, Size: int64(len(e.Text)), Format: tar.FormatPAX}
		if e.Type == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.Text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Entry is one of a layer; Type 0 is a regular file.
type Entry struct {
	Name, Text, Link string
	Type             byte
	Mode             int64
}

// Program is a layer with a program of this machine, under a path, and the libraries that it is linked with.
func Program(t testing.TB, from, to string) []byte {
	t.Helper()
	files := map[string]string{to: from}
	said, _ := exec.Command("ldd", from).Output() // it fails for a static program, which needs nothing
	for line := range strings.Lines(string(said)) {
		// "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)", "/lib64/ld-linux-x86-64.so.2 (0x…)"
		for field := range strings.FieldsSeq(line) {
			if strings.HasPrefix(field, "/") {
				files[strings.TrimPrefix(field, "/")] = field
			}
		}
	}
	var entries []Entry
	for _, path := range slices.Sorted(maps.Keys(files)) {
		text, err := os.ReadFile(files[path])
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, Entry{Name: path, Text: string(text), Mode: 0o755})
	}
	return Layer(t, entries...)
}

// Gzip compresses.
func Gzip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Digest is that of data.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (i Image) config(t testing.TB) []byte {
	if i.Architecture == "" {
		i.Architecture = runtime.GOARCH
	}
	var ids []string
	for _, l := range i.Layers {
		ids = append(ids, Digest(l))
	}
	return marshal(t, map[string]any{
		"architecture": i.Architecture, "os": "linux", "rootfs": map[string]any{"type": "layers", "diff_ids": ids},
		"config": map[string]any{
			"User": i.User, "WorkingDir": i.WorkingDir, "StopSignal": i.StopSignal, "Env": i.Env, "Entrypoint": i.Entrypoint, "Cmd": i.Cmd,
		},
	})
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func descriptor(kind string, data []byte) map[string]any {
	return map[string]any{"mediaType": "application/vnd.oci.image." + kind, "digest": Digest(data), "size": len(data)}
}

// Blobs are the image's by digest, with layers in gzip, and the digest of its manifest.
func (i Image) Blobs(t testing.TB) (blobs map[string][]byte, manifest string) {
	t.Helper()
	blobs = map[string][]byte{}
	config := i.config(t)
	blobs[Digest(config)] = config
	layers := []any{}
	for _, l := range i.Layers {
		zipped := Gzip(t, l)
		blobs[Digest(zipped)] = zipped
		layers = append(layers, descriptor("layer.v1.tar+gzip", zipped))
	}
	text := marshal(t, map[string]any{"schemaVersion": 2, "config": descriptor("config.v1+json", config), "layers": layers})
	blobs[Digest(text)] = text
	return blobs, Digest(text)
}

// OCI is the image as `podman save --format oci-archive` writes it.
func (i Image) OCI(t testing.TB) []byte {
	t.Helper()
	blobs, manifest := i.Blobs(t)
	index := marshal(t, map[string]any{"schemaVersion": 2, "manifests": []any{descriptor("manifest.v1+json", blobs[manifest])}})
	entries := []Entry{{Name: "oci-layout", Text: `{"imageLayoutVersion":"1.0.0"}`}, {Name: "index.json", Text: string(index)}}
	for digest, data := range blobs {
		entries = append(entries, Entry{Name: "blobs/sha256/" + digest[len("sha256:"):], Text: string(data)})
	}
	return Layer(t, entries...)
}

// Docker is the image as `docker save` writes it.
func (i Image) Docker(t testing.TB) []byte {
	t.Helper()
	config := i.config(t)
	var names []string
	var entries []Entry
	for n, l := range i.Layers {
		name := fmt.Sprintf("%d/layer.tar", n)
		names = append(names, name)
		entries = append(entries, Entry{Name: name, Text: string(l)})
	}
	list := marshal(t, []any{map[string]any{"Config": "config.json", "RepoTags": []string{"test:latest"}, "Layers": names}})
	return Layer(t, append(entries, Entry{Name: "config.json", Text: string(config)}, Entry{Name: "manifest.json", Text: string(list)})...)
}
