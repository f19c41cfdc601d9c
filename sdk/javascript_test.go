package sdk

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestExtractJavaScript(t *testing.T) {
	path, err := ExtractJavaScript(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hashOf(os.DirFS(path)), hashOf(JavaScript()); got != want {
		t.Errorf("what was extracted has the hash %s, not %s", got, want)
	}
	onDisk, err := filepath.Glob("js/src/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range onDisk {
		if _, err := fs.Stat(JavaScript(), "src/"+filepath.Base(file)); err != nil {
			t.Errorf("%s is not embedded: %v", file, err)
		}
	}
}

// A program finds the package through a link in a directory above its own.
func TestJavaScriptIsFoundAsPackage(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	top := t.TempDir()
	path, err := ExtractJavaScript(filepath.Join(top, "sdk"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"node_modules", "apps/one"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(path, filepath.Join(top, "node_modules", "fescue")); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(top, "apps/one/main.mjs")
	text := "import { encode } from 'fescue';\nprocess.stdout.write(encode({ found: true }));\n"
	if err := os.WriteFile(program, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(node, program).CombinedOutput()
	if err != nil || string(out) != `{"found":true}` {
		t.Errorf("the program printed %q, %v", out, err)
	}
}
