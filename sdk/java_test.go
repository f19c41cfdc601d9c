package sdk

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestCompileJava(t *testing.T) {
	javac, err := exec.LookPath("javac")
	if err != nil {
		t.Skip("javac is not installed")
	}
	path, err := ExtractJava(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(path, ".sdk-interrupted"), 0o700); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			classes, err := CompileJava(context.Background(), javac, path)
			if err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(classes, "dev", "fescue", "Worker.class")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if left, _ := filepath.Glob(filepath.Join(path, ".sdk-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestCompileJavaSaysWhatFailed(t *testing.T) {
	path, err := ExtractJava(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, err = CompileJava(context.Background(), "/no/such/javac", path)
	if err == nil || !strings.Contains(err.Error(), "/no/such/javac") {
		t.Errorf("a compiler that is not there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(path, "classes")); err == nil {
		t.Error("classes were left by a compilation that failed")
	}
}
