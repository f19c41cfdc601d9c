package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func contains(text, part string) error {
	if !strings.Contains(text, part) {
		return fmt.Errorf("no %q in:\n%s", part, tail(text, 30))
	}
	return nil
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// directories are the names below the state directory that match a pattern.
func (m *machine) directories(pattern string) []string {
	m.t.Helper()
	found, err := filepath.Glob(filepath.Join(m.state, pattern))
	if err != nil {
		m.t.Fatal(err)
	}
	return found
}
