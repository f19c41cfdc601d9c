package repository

import (
	"debug/buildinfo"
	"errors"
	"flag"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// binary is what `make build` leaves; `make test` builds it first.
const binary = root + "/bin/fescue"

// maxBinary is the bar for the whole binary, stripped: 36 MB. 85 % of an idle
// agent's memory is pages of its binary, so a library that grows it is paid for
// on every device.
const maxBinary = 36_000_000

func TestBinarySize(t *testing.T) {
	info, err := os.Stat(binary)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("bin/fescue is not built: run make build")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("bin/fescue: %.1f MB", float64(info.Size())/1e6)
	if info.Size() > maxBinary {
		t.Errorf("bin/fescue is %d bytes, over %d: `go version -m bin/fescue` and the golden list of modules tell what came in", info.Size(), maxBinary)
	}
}

// The modules in the binary are a list that is read when it changes: each is
// code that every user runs.
func TestGoldenDependencies(t *testing.T) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Skip("bin/fescue is not built: run make build")
	}
	var modules []string
	for _, m := range info.Deps {
		modules = append(modules, m.Path)
	}
	slices.Sort(modules)
	got := strings.Join(modules, "\n") + "\n"
	const golden = "testdata/modules.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the binary's modules changed (-golden +now); if that is meant, `make golden` and say why in the commit:\n%s", diff)
	}
}
