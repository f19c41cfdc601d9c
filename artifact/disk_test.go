package artifact

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/smalldisk"
)

// noise is text that does not compress.
func noise(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

// A disk that fills up while an archive arrives: the error says so and what to
// do, nothing of the archive is left, and what fits is still taken.
func TestDiskFullInPut(t *testing.T) {
	smalldisk.Run(t, "256k", func(t *testing.T, disk string) {
		dir := filepath.Join(disk, "store")
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, _, _, err = s.Put(t.Context(), strings.NewReader(noise(1<<20)), DefaultLimits())
		wantExhausted(t, err)
		if left := files(t, dir); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
		put(t, s, "small")
	})
}

// The same while it is unpacked: what was there before stays as it was.
func TestDiskFullInUnpack(t *testing.T) {
	smalldisk.Run(t, "256k", func(t *testing.T, disk string) {
		before := filepath.Join(disk, "1.0.0")
		if _, err := Unpack(t.Context(), file(t, gzipped(t, thing{name: "main.py", body: "1"})), before, DefaultLimits()); err != nil {
			t.Fatal(err)
		}
		for _, big := range [][]thing{
			{{name: "a", body: "fits"}, {name: "b/c", body: noise(1 << 20)}},
			manyDirectories(),
		} {
			_, err := Unpack(t.Context(), file(t, gzipped(t, big...)), filepath.Join(disk, "2.0.0"), DefaultLimits())
			wantExhausted(t, err)
			around, err := os.ReadDir(disk)
			if err != nil || len(around) != 1 {
				t.Errorf("left on the disk: %v, %v", around, err)
			}
		}
		if got := tree(t, before); got["main.py"] != "1" {
			t.Errorf("the version before: %v", got)
		}
	})
}

func manyDirectories() (all []thing) {
	for i := range 200 {
		all = append(all, thing{name: strings.Repeat("d/", i%50+1) + string(rune('a'+i%26)) + strings.Repeat("x", i), body: noise(4096)})
	}
	return all
}

func wantExhausted(t *testing.T, err error) {
	t.Helper()
	if !fail.Is(err, fail.Exhausted) || !strings.Contains(fail.HintOf(err), "Free some space") {
		t.Errorf("%v (%v), hint %q", err, fail.KindOf(err), fail.HintOf(err))
	}
}
