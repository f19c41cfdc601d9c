package durable_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/internal/smalldisk"
)

// TestReplace: the new contents are there, for the owner alone, also over what a
// crash left.
func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path+durable.Suffix, bytes.Repeat([]byte("left by a crash "), 100), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "another", ""} {
		if err := durable.Replace(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
		alone(t, filepath.Dir(path))
	}
}

// TestReplaceOnFullDisk: the old contents stay, nothing is left beside them, and the
// error tells.
func TestReplaceOnFullDisk(t *testing.T) {
	smalldisk.Run(t, "64k", func(t *testing.T, dir string) {
		path := filepath.Join(dir, "file")
		if err := durable.Replace(path, []byte("old")); err != nil {
			t.Fatal(err)
		}
		if err := durable.Replace(path, make([]byte, 1<<20)); !durable.Full(err) {
			t.Errorf("a full disk gives %v", err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
			t.Errorf("after it the file has %d bytes, %v", len(got), err)
		}
		alone(t, dir)
	})
}

func TestReplaceInNoDirectory(t *testing.T) {
	err := durable.Replace(filepath.Join(t.TempDir(), "not there", "file"), nil)
	if !errors.Is(err, os.ErrNotExist) || durable.Full(err) {
		t.Errorf("got %v", err)
	}
}

// alone: one file is in dir, and only its owner may read it.
func alone(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v: want one file", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v: want mode 0600", info.Mode(), err)
	}
}
