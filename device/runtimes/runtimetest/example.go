package runtimetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Example is an application as it stands in a folder: its fescue.yaml, under the suite's
// name and version, and those of its files that are named.
func (d *Device) Example(t testing.TB, dir string, files ...string) Source {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "fescue.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := Source{Files: map[string]string{}}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "name:") && !strings.HasPrefix(line, "version:") {
			s.Configuration += line
		}
	}
	for _, name := range files {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		s.Files[name] = string(content)
	}
	return s
}
