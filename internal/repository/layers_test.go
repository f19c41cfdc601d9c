package repository

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "fescue.dev/fescue/"

// layers is the import direction, lowest first: a package may import only
// packages of lower layers, or below its own folder. The order is the design's
// (docs/design/README.md): facts flow down, nothing reaches up.
var layers = [][]string{
	{"fail"},
	{"spec", "exchange/wire"},
	{"internal"},
	{"sdk"},
	{"artifact", "observe", "fabric", "exchange"},
	{"server/store", "server/console", "device/sandbox", "device/logs", "device/runtimes", "device/gateway", "device/access"},
	{"server/fleet", "server/metrics", "device/engine", "device/meter", "device/micro", "client"},
	{"server/api", "device/agent"},
	{"cli"},
	{"app"},
	{"cmd"},
}

// outside are the folders that may import what they need: they are programs and
// whole-system tests, and nothing imports them.
var outside = []string{"bench", "tools", "test", "sdk/conformance", "micro", "examples"}

func under(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }

func layerOf(pkg string) (layer int, folder string) {
	for i, folders := range layers {
		for _, f := range folders {
			if under(pkg, f) {
				return i, f
			}
		}
	}
	return -1, ""
}

// verdict says what is wrong with pkg importing dep, or "".
func verdict(pkg, dep string, test bool) string {
	from, fromFolder := layerOf(pkg)
	to, toFolder := layerOf(dep)
	switch {
	case from < 0:
		return "is in no layer: add it to layers in layers_test.go, where the design wants it"
	case to < 0:
		return "imports " + dep + ", which is a program or in no layer"
	case under(pkg, "server") && under(dep, "device"), under(pkg, "device") && under(dep, "server"):
		return "imports " + dep + ": the two wings meet only in the vocabulary, the fabric and app, so that each can be built, run and changed alone"
	case fromFolder == toFolder, under(pkg, dep), under(dep, pkg):
		return ""
	case test && under(dep, "internal"):
		return ""
	case to > from:
		return "imports " + dep + ", a layer above its own: turn the dependency round with an interface where it is used"
	case to == from && fromFolder != toFolder:
		return "imports " + dep + ", its sibling: what both need belongs a layer below"
	}
	return ""
}

func TestImportDirection(t *testing.T) {
	for file, imports := range importsByFile(t) {
		pkg := path.Dir(file)
		if isOutside(pkg) {
			continue
		}
		// A conformance suite is a test, in a file that others can import.
		test := strings.HasSuffix(file, "_test.go") || strings.HasSuffix(pkg, "test")
		for _, dep := range imports {
			dep, ours := strings.CutPrefix(dep, module)
			if !ours || dep == pkg {
				continue
			}
			if test && strings.HasSuffix(path.Base(dep), "test") {
				continue // a conformance suite serves every layer's tests
			}
			if why := verdict(pkg, dep, test); why != "" && !(test && pkgIsJoint(pkg)) {
				t.Errorf("%s: %s", file, why)
			}
		}
	}
}

// pkgIsJoint: tests of these join real parts of one wing that the code itself
// meets through interfaces.
func pkgIsJoint(pkg string) bool {
	return under(pkg, "server/api") || under(pkg, "device/agent") || under(pkg, "device/engine") ||
		under(pkg, "device/runtimes") || under(pkg, "exchange") || under(pkg, "client")
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		pkg, dep string
		ok       bool
	}{
		{"server/api", "server/store", true},
		{"server/store", "server/api", false},
		{"server/api", "device/engine", false},
		{"device/engine", "server/store", false},
		{"exchange", "fabric", false},
		{"exchange/unix", "exchange", true},
		{"device/runtimes/python", "device/runtimes", true},
		{"spec", "artifact", false},
		{"app", "device/agent", true},
		{"newcomer", "spec", false},
	} {
		if got := verdict(c.pkg, c.dep, false) == ""; got != c.ok {
			t.Errorf("verdict(%s imports %s): allowed %v, want %v", c.pkg, c.dep, got, c.ok)
		}
	}
}

func isOutside(pkg string) bool {
	for _, f := range outside {
		if under(pkg, f) {
			return true
		}
	}
	return false
}

func importsByFile(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	for _, file := range goFiles(t) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			files[file] = append(files[file], name)
		}
	}
	return files
}

// root is the repository's root, seen from this package.
const root = "../.."

// goFiles are the Go files of the repository, by slash path from its root.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (strings.HasPrefix(name, ".") && p != root || name == "node_modules" || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(name, ".go") {
			rel, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
