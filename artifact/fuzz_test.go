package artifact

import (
	"archive/tar"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever bytes come: List and Unpack agree, nothing leaves the directory, what
// is unpacked is within the limits, and what is refused leaves nothing.
func FuzzUnpack(f *testing.F) {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		f.Setenv("TMPDIR", "/dev/shm") // where syncing costs nothing: a hundred times as many tries
	}
	for _, pack := range forms() {
		f.Add(pack(f, thing{name: "a/b", body: "text"}, thing{name: "a/l", kind: tar.TypeSymlink, target: "b"}, thing{name: "d/", kind: tar.TypeDir}))
		f.Add(pack(f, thing{name: "../a"}))
		f.Add(pack(f, thing{name: "l", kind: tar.TypeSymlink, target: "d/../.."}, thing{name: "l/x"}))
		f.Add(pack(f, thing{name: "a", body: strings.Repeat("\x00", 100_000)}))
	}
	limits := Limits{Size: 1 << 16, Unpacked: 1 << 18, Files: 50, PathLength: 200, Ratio: 1000}
	f.Fuzz(func(t *testing.T, content []byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "in", "app")
		if err := os.Mkdir(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		archive := file(t, content)
		listed, listing := List(context.Background(), archive, limits)
		info, unpacking := Unpack(context.Background(), archive, dir, limits)
		if (listing == nil) != (unpacking == nil) || listed.Info != info {
			t.Fatalf("List says %+v, %v; Unpack %+v, %v", listed.Info, listing, info, unpacking)
		}
		if unpacking != nil {
			if left := tree(t, outer); len(left) != 1 {
				t.Fatalf("refused (%v), and left: %v", unpacking, left)
			}
			return
		}
		if info.Unpacked > limits.Unpacked || info.Files > limits.Files {
			t.Fatalf("%+v is over the limits", info)
		}
		if around, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(around) != 1 {
			t.Fatalf("beside the directory: %v, %v", around, err)
		}
		checkInside(t, dir, listed, info)
	})
}

// checkInside looks at what was unpacked.
func checkInside(t *testing.T, dir string, listed Contents, info Info) {
	t.Helper()
	var got Info
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || !listed.Has(name) {
			t.Fatalf("%s is not listed (%v)", name, err)
		}
		switch d.Type() {
		case fs.ModeSymlink:
			if to, err := filepath.EvalSymlinks(path); err == nil && to != dir && !strings.HasPrefix(to, dir+"/") {
				t.Fatalf("%s leads to %s", path, to)
			}
			return nil
		case 0:
		default:
			t.Fatalf("%s is %v", path, d.Type())
		}
		stat, err := d.Info()
		if err != nil {
			return err
		}
		got.Files++
		got.Unpacked += stat.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got != info {
		t.Fatalf("on the disk %+v, told %+v", got, info)
	}
}
