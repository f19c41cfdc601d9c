package image_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/device/runtimes/container/image"
	"fescue.dev/fescue/device/runtimes/container/imagetest"
	"fescue.dev/fescue/fail"
)

type entry = imagetest.Entry

// archive writes one and opens it.
func archive(t *testing.T, data []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// unpack unpacks an image and joins its layers.
func unpack(t *testing.T, i *image.Image) (string, error) {
	t.Helper()
	left := image.DefaultLimits()
	dir := t.TempDir()
	var layers []string
	for n, l := range i.Layers {
		layer := filepath.Join(dir, "layers", string(rune('a'+n)))
		if err := os.MkdirAll(layer, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := l.Unpack(context.Background(), layer, &left); err != nil {
			return "", err
		}
		layers = append(layers, layer)
	}
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	return tree, image.Merge(layers, tree)
}

// list is what a tree has: "path", "path/", "path -> target", "path = content".
func list(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		switch {
		case d.IsDir():
			all = append(all, rel+"/")
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			all = append(all, rel+" -> "+target)
			return err
		default:
			text, err := os.ReadFile(path)
			all = append(all, rel+" = "+string(text))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// A later layer's word counts: files, removals, directories made empty, and one kind of entry in
// place of another.
func TestLayers(t *testing.T) {
	i := imagetest.Image{Entrypoint: []string{"/bin/x"}, Layers: [][]byte{
		imagetest.Layer(t,
			entry{Name: "./", Type: '5'}, entry{Name: "bin/", Type: '5'}, entry{Name: "bin/x", Text: "old", Mode: 0o755}, entry{Name: "/etc/a", Text: "a"},
			entry{Name: "etc/b", Text: "b"}, entry{Name: "lib", Type: '2', Link: "/usr/lib"}, entry{Name: "usr/lib/c", Text: "c"},
			entry{Name: "full/d", Text: "d"}, entry{Name: "full/sub/e", Text: "e"}, entry{Name: "dev/sda", Type: '4'}, entry{Name: "link", Type: '1', Link: "etc/a"},
			entry{Name: "twice", Text: "1"}, entry{Name: "twice", Text: "2"}, entry{Name: "kind", Text: "file"}, entry{Name: "kind2/", Type: '5'}, entry{Name: "kind2/in", Text: "in"}),
		imagetest.Layer(t,
			entry{Name: "bin/x", Text: "new", Mode: 0o755}, entry{Name: "etc/.wh.a"}, entry{Name: "lib/f", Text: "f"},
			entry{Name: "full/g", Text: "g"}, entry{Name: "full/.wh..wh..opq"}, entry{Name: ".wh..wh.plnk"},
			entry{Name: "kind/now", Text: "directory"}, entry{Name: "kind2", Text: "file now"}, entry{Name: ".wh.nothing"}, entry{Name: "none/.wh.there"}),
	}}
	want := []string{
		"bin/", "bin/x = new", "etc/", "etc/b = b", "full/", "full/g = g", "kind/", "kind/now = directory", "kind2 = file now",
		"lib/", "lib/f = f", "link = a", "none/", "twice = 2", "usr/", "usr/lib/", "usr/lib/c = c",
	}
	for name, data := range map[string][]byte{"OCI": i.OCI(t), "docker": i.Docker(t)} {
		got, err := image.FromArchive(context.Background(), archive(t, data), runtime.GOARCH)
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff([]string{"/bin/x"}, got.Config.Program()); diff != "" {
			t.Error(name, diff)
		}
		tree, err := unpack(t, got)
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(want, list(t, tree)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		info, err := os.Stat(filepath.Join(tree, "bin/x"))
		if err != nil || info.Mode() != 0o777 {
			t.Errorf("%s: a program has the mode %v, %v", name, info.Mode(), err)
		}
	}
}

// Entries that would leave the image, or make what an image may not have, are named.
func TestHostileEntries(t *testing.T) {
	for _, c := range []struct {
		name    string
		entries []entry
		names   string // in the error
	}{
		{"traversal", []entry{{Name: "a/../../evil", Text: "x"}}, "a/../../evil"},
		{"through a link", []entry{{Name: "etc", Type: '2', Link: "/etc"}, {Name: "etc/evil", Text: "x"}}, "etc/evil"},
		{"through a link, a directory", []entry{{Name: "up", Type: '2', Link: "../../.."}, {Name: "up/evil/", Type: '5'}}, "up/evil"},
		{"through a file", []entry{{Name: "f", Text: "x"}, {Name: "f/evil", Text: "x"}}, "f/evil"},
		{"hard link out", []entry{{Name: "evil", Type: '1', Link: "../../../../etc/shadow"}}, "evil"},
		{"hard link to nothing", []entry{{Name: "evil", Type: '1', Link: "/etc/shadow"}}, "evil"},
		{"hard link through a link", []entry{{Name: "e", Type: '2', Link: "/etc"}, {Name: "evil", Type: '1', Link: "e/shadow"}}, "evil"},
		{"hard link to a directory", []entry{{Name: "d/", Type: '5'}, {Name: "evil", Type: '1', Link: "d"}}, "evil"},
		{"device", []entry{{Name: "lib/sda", Type: '4'}}, "lib/sda"},
		{"pipe", []entry{{Name: "run/pipe", Type: '6'}}, "run/pipe"},
		{"removes the folder above", []entry{{Name: "etc/.wh..."}}, "etc/.wh..."},
		{"long path", []entry{{Name: strings.Repeat("abcdefghi/", 120) + "x"}}, "abcdefghi"},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := imagetest.Image{Layers: [][]byte{imagetest.Layer(t, c.entries...)}}
			got, err := image.FromArchive(context.Background(), archive(t, i.OCI(t)), runtime.GOARCH)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := unpack(t, got); !fail.Is(err, fail.Invalid) || !strings.Contains(err.Error(), c.names) || fail.HintOf(err) == "" {
				t.Errorf("%v (%s)", err, fail.HintOf(err))
			}
		})
	}
}

// A name that became a link after it was a directory is not written through.
func TestDirectoryReplacedByLink(t *testing.T) {
	outside := t.TempDir()
	i := imagetest.Image{Layers: [][]byte{imagetest.Layer(t,
		entry{Name: "d/", Type: '5'}, entry{Name: "d/s/", Type: '5'}, entry{Name: "d", Type: '2', Link: outside}, entry{Name: "d/s/evil", Text: "x"})}}
	got, err := image.FromArchive(context.Background(), archive(t, i.OCI(t)), runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(t, got); err == nil {
		t.Error("it was unpacked")
	}
	if left := list(t, outside); len(left) > 0 {
		t.Errorf("outside: %v", left)
	}
}

// Archives that are damaged, or no image for this device, are refused with what is wrong.
func TestBrokenArchives(t *testing.T) {
	layer := imagetest.Layer(t, entry{Name: "a", Text: strings.Repeat("0123456789", 5000)})
	good := imagetest.Image{Layers: [][]byte{layer}}
	blobs, manifest := good.Blobs(t)
	member := func(digest string) string { return "blobs/sha256/" + strings.TrimPrefix(digest, "sha256:") }
	index := func(digest string) entry {
		return entry{Name: "index.json", Text: `{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + digest + `"}]}`}
	}
	all := func(change func(digest string, data []byte) []byte) []entry {
		entries := []entry{index(manifest)}
		for digest, data := range blobs {
			if data = change(digest, data); data != nil {
				entries = append(entries, entry{Name: member(digest), Text: string(data)})
			}
		}
		return entries
	}
	zipped := imagetest.Digest(imagetest.Gzip(t, layer))
	other := imagetest.Gzip(t, imagetest.Layer(t, entry{Name: "evil", Text: "x"}))
	replaced := func(target string, by []byte) func(string, []byte) []byte {
		return func(digest string, data []byte) []byte {
			if digest == target {
				return by
			}
			return data
		}
	}
	foreign := imagetest.Image{Architecture: "pdp11", Layers: good.Layers}
	for _, c := range []struct {
		name, says string
		data       []byte
	}{
		{"no archive", "not a tar archive", []byte(strings.Repeat("nonsense", 200))},
		{"empty", "neither index.json nor manifest.json", imagetest.Layer(t)},
		{"compressed", "compressed as a whole", imagetest.Gzip(t, good.OCI(t))},
		{"layer replaced", "has the digest " + imagetest.Digest(other), imagetest.Layer(t, all(replaced(zipped, other))...)},
		{"layer missing", member(zipped), imagetest.Layer(t, all(replaced(zipped, nil))...)},
		{"layer cut off", "ends too early", imagetest.Layer(t, all(replaced(zipped, blobs[zipped][:len(blobs[zipped])/2]))...)},
		{"layer in zstd", "zstd", imagetest.Layer(t, all(replaced(zipped, []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0}))...)},
		{"manifest replaced", manifest, imagetest.Layer(t, all(replaced(manifest, []byte(`{}`)))...)},
		{"manifest no JSON", "not the JSON", imagetest.Layer(t, index(imagetest.Digest([]byte("{"))), entry{Name: member(imagetest.Digest([]byte("{"))), Text: "{"})},
		{"digest of another kind", "not sha256", imagetest.Layer(t, index("sha512:00"))},
		{"digest with a path", "not sha256", imagetest.Layer(t, index("sha256:../../etc/passwd"))},
		{"other architecture", "linux/pdp11", foreign.OCI(t)},
		{"docker, layer of another content", "the configuration says", dockerWith(t, good, imagetest.Layer(t, entry{Name: "evil"}))},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, err := image.FromArchive(context.Background(), archive(t, c.data), runtime.GOARCH)
			if err == nil {
				_, err = unpack(t, i)
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || fail.HintOf(err) == "" {
				t.Errorf("%v (%s); want %q", err, fail.HintOf(err), c.says)
			}
		})
	}
}

// dockerWith is an archive of docker's whose layer is not the one that its configuration names.
func dockerWith(t *testing.T, i imagetest.Image, layer []byte) []byte {
	t.Helper()
	return []byte(strings.Replace(string(i.Docker(t)), string(i.Layers[0]), string(layer)+strings.Repeat("\x00", len(i.Layers[0])-len(layer)), 1))
}

// What an image may unpack to is bounded.
func TestLimits(t *testing.T) {
	i := imagetest.Image{Layers: [][]byte{imagetest.Layer(t, entry{Name: "a", Text: strings.Repeat("x", 1000)}, entry{Name: "b", Text: "x"}, entry{Name: "c"})}}
	got, err := image.FromArchive(context.Background(), archive(t, i.OCI(t)), runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		left image.Limits
		says string
	}{{image.Limits{Bytes: 1000, Entries: 3}, "b: "}, {image.Limits{Bytes: 2000, Entries: 2}, "c: "}} {
		if err := got.Layers[0].Unpack(context.Background(), t.TempDir(), &c.left); err == nil || !strings.Contains(err.Error(), "too") {
			t.Errorf("%v, want one about %s", err, c.says)
		}
	}
}
