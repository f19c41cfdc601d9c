package artifact

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/fail"
)

func small() Limits {
	return Limits{Size: 1 << 20, Unpacked: 2 << 20, Files: 20, PathLength: 300, Ratio: 50}
}

// Every form gives the same files, with modes that do not depend on the umask.
func TestUnpack(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	things := []thing{
		{name: "empty/", kind: tar.TypeDir},
		{name: "main.py", body: "print(1)\n"},
		{name: "bin/tool", body: "#!/bin/sh\n", mode: 0o755},
		{name: "deep/er/still.txt", body: strings.Repeat("x", 100_000)},
		{name: "deep/link", kind: tar.TypeSymlink, target: "../bin/tool"},
		{name: "äöü/日本", body: "names are UTF-8"},
	}
	want := map[string]string{
		"empty": "dir", "main.py": "print(1)\n", "bin": "dir", "bin/tool": "#!/bin/sh\n", "deep": "dir", "deep/er": "dir",
		"deep/er/still.txt": strings.Repeat("x", 100_000), "deep/link": "-> ../bin/tool", "äöü": "dir", "äöü/日本": "names are UTF-8",
	}
	for form, pack := range forms() {
		t.Run(form, func(t *testing.T) {
			f, dir := file(t, pack(t, things...)), filepath.Join(t.TempDir(), "app")
			info, err := Unpack(t.Context(), f, dir, Limits{Size: 1 << 20, Unpacked: 1 << 20, Files: 10, PathLength: 100, Ratio: 500})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
				t.Error(diff)
			}
			wantMode(t, dir, 0o755)
			wantMode(t, filepath.Join(dir, "empty"), 0o755)
			wantMode(t, filepath.Join(dir, "main.py"), 0o644)
			wantMode(t, filepath.Join(dir, "bin/tool"), 0o755)
			listed, err := List(t.Context(), f, DefaultLimits())
			if err != nil || listed.Info != info || info.Files != 4 {
				t.Errorf("List: %+v, %v; Unpack: %+v", listed.Info, err, info)
			}
			for name, text := range want {
				if listed.Has(name) != (text != "dir") {
					t.Errorf("Has(%q) is %v", name, listed.Has(name))
				}
			}
		})
	}
}

func wantMode(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
		t.Errorf("%s: %v, %v", path, info.Mode(), err)
	}
}

// refused checks that an archive is refused, by List and by Unpack, for the reason
// that is meant, and that nothing of it is anywhere.
func refused(t *testing.T, content []byte, l Limits, kind fail.Kind, says string) {
	t.Helper()
	f, dir := file(t, content), t.TempDir()
	_, listing := List(t.Context(), f, l)
	_, unpacking := Unpack(t.Context(), f, filepath.Join(dir, "parent", "app"), l)
	if !fail.Is(unpacking, fail.Internal) { // the parent is missing: it fails before it reads
		t.Errorf("without a parent: %v", unpacking)
	}
	if err := os.Mkdir(filepath.Join(dir, "parent"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, unpacking = Unpack(t.Context(), f, filepath.Join(dir, "parent", "app"), l)
	for what, err := range map[string]error{"List": listing, "Unpack": unpacking} {
		switch {
		case !fail.Is(err, kind) || !strings.Contains(err.Error(), says):
			t.Errorf("%s: %v (%v), want %v with %q", what, err, fail.KindOf(err), kind, says)
		case fail.HintOf(err) == "":
			t.Errorf("%s: %v does not say what to do", what, err)
		case len(err.Error()) > 1000:
			t.Errorf("%s: the error has %d bytes", what, len(err.Error()))
		}
	}
	if left := tree(t, dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// What leads out, or is neither file, directory nor link, is refused in every form.
func TestHarmfulEntries(t *testing.T) {
	for _, c := range []struct {
		what   string
		things []thing
		says   string
	}{
		{"up", []thing{{name: "../evil"}}, "leads out"},
		{"up in the middle", []thing{{name: "a/../../evil"}}, "leads out"},
		{"up and back", []thing{{name: "a/../b"}}, "leads out"},
		{"dots alone", []thing{{name: ".."}}, "leads out"},
		{"absolute", []thing{{name: "/etc/cron.d/evil"}}, "absolute"},
		{"backslash", []thing{{name: `..\evil`}}, "plain text"},
		{"no UTF-8", []thing{{name: "a\xff"}}, "plain text"},
		{"long path", []thing{{name: strings.Repeat("a/", 200) + "b"}}, "300 bytes"},
		{"long name", []thing{{name: strings.Repeat("a", 256)}}, "255 bytes"},
		{"twice", []thing{{name: "a"}, {name: "a"}}, "twice"},
		{"twice, spelt otherwise", []thing{{name: "a"}, {name: "./a"}}, "twice"},
		{"directory over a file", []thing{{name: "a"}, {name: "a/", kind: tar.TypeDir}}, "twice"},
		{"file over a directory", []thing{{name: "a/b"}, {name: "a"}}, "twice"},
		{"below a file", []thing{{name: "a"}, {name: "a/b"}}, "no directory"},
		{"absolute link", []thing{{name: "a", kind: tar.TypeSymlink, target: "/etc/passwd"}}, "outside"},
		{"link up", []thing{{name: "a", kind: tar.TypeSymlink, target: "../b"}}, "outside"},
		{"link up from below", []thing{{name: "d/a", kind: tar.TypeSymlink, target: "../../b"}}, "outside"},
		{"link down and up", []thing{{name: "d/a", kind: tar.TypeSymlink, target: "k/../../b"}}, "outside"},
		{"empty link", []thing{{name: "a", kind: tar.TypeSymlink, target: ""}}, "outside"},
		{"long link", []thing{{name: "a", kind: tar.TypeSymlink, target: strings.Repeat("x", 1025)}}, "outside"},
		{"through a link", []thing{{name: "a", kind: tar.TypeSymlink, target: "b"}, {name: "a/c"}}, "no directory"},
		{"link replaced", []thing{{name: "a", kind: tar.TypeSymlink, target: "b"}, {name: "a"}}, "twice"},
		{"pipe", []thing{{name: "a", kind: tar.TypeFifo}}, "neither file"},
		{"character device", []thing{{name: "a", kind: tar.TypeChar}}, "neither file"},
		{"block device", []thing{{name: "a", kind: tar.TypeBlock}}, "neither file"},
	} {
		for form, pack := range forms() {
			t.Run(c.what+"/"+form, func(t *testing.T) { refused(t, pack(t, c.things...), small(), fail.Invalid, c.says) })
		}
	}
	t.Run("hard link", func(t *testing.T) {
		refused(t, gzipped(t, thing{name: "a"}, thing{name: "b", kind: tar.TypeLink, target: "a"}), small(), fail.Invalid, "hard link")
	})
}

// What would fill the disk, the memory or the directory is refused while it is read.
func TestBombs(t *testing.T) {
	zeros := strings.Repeat("\x00", 4<<20)
	many := make([]thing, 21)
	for i := range many {
		many[i] = thing{name: strings.Repeat("n", i+1)}
	}
	roomy := small()
	roomy.Unpacked = 100 << 20
	for form, pack := range forms() {
		t.Run(form, func(t *testing.T) {
			refused(t, pack(t, many...), small(), fail.TooLarge, "more than 20 entries")
			if form == "tar" {
				refused(t, pack(t, thing{name: "a", body: zeros}), small(), fail.TooLarge, "4195840 bytes")
				return
			}
			refused(t, pack(t, thing{name: "a", body: zeros}), roomy, fail.TooLarge, "50 times")
			roomy := roomy
			roomy.Ratio, roomy.Unpacked = 1e9, 3<<20
			refused(t, pack(t, thing{name: "a", body: zeros}), roomy, fail.TooLarge, "3145728 bytes")
			refused(t, pack(t, thing{name: "a", body: zeros[:2<<20]}, thing{name: "b", body: zeros[:2<<20]}), roomy, fail.TooLarge, "3145728 bytes")
		})
	}
	t.Run("behind the tar's end", func(t *testing.T) {
		refused(t, compress(t, append(plainTar(t, thing{name: "a"}), zeros...)), small(), fail.TooLarge, "50 times")
	})
}

// An archive that is cut off anywhere is refused, and so is one that was damaged.
func TestCutOffAndDamaged(t *testing.T) {
	things := []thing{{name: "a", body: "one"}, {name: "b/c", body: strings.Repeat("two", 300)}}
	for _, form := range []string{"tar.gz", "zip"} {
		t.Run(form, func(t *testing.T) {
			whole := forms()[form](t, things...)
			for n := range len(whole) {
				if _, err := List(t.Context(), file(t, whole[:n]), small()); !fail.Is(err, fail.Invalid) {
					t.Fatalf("the first %d of %d bytes: %v", n, len(whole), err)
				}
			}
			refused(t, whole[:len(whole)/2], small(), fail.Invalid, "")
		})
	}
	t.Run("tar", func(t *testing.T) {
		refused(t, plainTar(t, things...)[:3*512+100], small(), fail.Invalid, "cut off")
	})
	t.Run("damaged", func(t *testing.T) {
		whole := gzipped(t, things...)
		for at := range whole {
			if at > 2 && at < 10 {
				continue // gzip's time, flags and system, which tell nothing of the content
			}
			bad := bytes.Clone(whole)
			bad[at] ^= 0x55
			if _, err := List(t.Context(), file(t, bad), small()); err == nil {
				t.Errorf("byte %d was changed, and nobody noticed", at)
			}
		}
	})
	t.Run("no archive", func(t *testing.T) {
		for _, text := range []string{"", "x", "#!/bin/sh\n", strings.Repeat("x", 1000), "\x1f\x8b", "PK\x03\x04"} {
			refused(t, []byte(text), small(), fail.Invalid, "")
		}
	})
}

// Somebody who gives up ends the reading, and nothing is left.
func TestUnpackCanceled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(context.Canceled)
	dir := t.TempDir()
	_, err := Unpack(ctx, file(t, gzipped(t, thing{name: "a"})), filepath.Join(dir, "app"), small())
	if !fail.Is(err, fail.Canceled) {
		t.Error(err)
	}
	if left := tree(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What is there already is not touched.
func TestUnpackOver(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Unpack(t.Context(), file(t, gzipped(t, thing{name: "a"})), dir, small())
	if !fail.Is(err, fail.Conflict) {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]string{"mine": "mine"}, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}
