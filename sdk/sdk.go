// Package sdk carries the sources of the SDKs inside the Fescue binary, so that a
// device needs nothing from the network to run an application.
//
// The runtimes (device/runtimes) extract them once per version and make the
// directory known to what they start. Extraction is atomic: a directory that exists is
// complete, and is never changed again.
package sdk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
)

//go:embed python/fescue/*.py python/fescue/py.typed
var sources embed.FS

// Python is the Python SDK: the package directory `fescue` with its .py and
// py.typed files.
func Python() fs.FS {
	sub, err := fs.Sub(sources, "python")
	if err != nil {
		panic(err) // the path is a constant and valid
	}
	return sub
}

// PythonHash is a hash of the names and contents of all files of [Python], in
// hexadecimal: another SDK has another hash.
func PythonHash() string { return hashOf(Python()) }

func hashOf(files fs.FS) string {
	h := sha256.New()
	// An embedded file system is always read in the same order and without errors.
	_ = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(text), text)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))
}

// Extract writes the Python SDK below dir, if it is not there yet, and returns the
// directory for PYTHONPATH: dir/python-<hash>, which holds the package fescue. It
// is readable for all users. Two callers at once are no harm; a call that was
// interrupted leaves a directory with the prefix ".sdk-" that the next one removes.
func Extract(dir string) (string, error) {
	return extract(dir, "python", Python())
}

// extract writes files to dir/name-<hash>, as [Extract] promises.
func extract(dir, name string, files fs.FS) (string, error) {
	op := "extract the SDK for " + name
	target := filepath.Join(dir, name+"-"+hashOf(files)[:16])
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fail.Wrap(err, fail.Internal, op, dir)
	}
	unlock, err := lockDirectory(dir)
	if err != nil {
		return "", fail.Wrap(err, fail.Internal, op, dir)
	}
	defer unlock()
	if err := sweep(dir); err != nil {
		return "", fail.Wrap(err, fail.Internal, op, dir)
	}
	if err := build(dir, target, files); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fail.Wrap(err, fail.Internal, op, target)
	}
	return target, nil
}

// build writes aside, syncs, and renames into place.
func build(dir, target string, files fs.FS) error {
	aside, err := os.MkdirTemp(dir, ".sdk-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(aside) // gone when renamed
	if err := os.Chmod(aside, 0o755); err != nil {
		return err
	}
	if err := writeAll(aside, files); err != nil {
		return err
	}
	if err := syncDirectories(aside); err != nil {
		return err
	}
	if err := os.Rename(aside, target); err != nil {
		return err
	}
	return durable.SyncDir(dir)
}

func writeAll(dir string, files fs.FS) error {
	return fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if d.IsDir() {
			if err := os.MkdirAll(to, 0o755); err != nil {
				return err
			}
			return os.Chmod(to, 0o755) // whatever the umask is
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		return writeSynced(to, text)
	})
}

func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer f.Close() // closed and checked below, this is for the errors before
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// Compiled tells whether Compile has been done for interpreters whose byte code
// is called by tag ("cpython-311").
func Compiled(extracted, tag string) bool {
	sources, err := filepath.Glob(filepath.Join(extracted, "fescue", "*.py"))
	if err != nil {
		return false
	}
	for _, s := range sources {
		code := strings.TrimSuffix(filepath.Base(s), ".py") + "." + tag + ".pyc"
		if _, err := os.Stat(filepath.Join(extracted, "fescue", "__pycache__", code)); err != nil {
			return false
		}
	}
	return len(sources) > 0
}

// Compile makes the byte code of an extracted SDK for one interpreter, so that
// workers, which may not write there, need not compile it at each start: 5 ms of
// a cold start. It runs the interpreter (about 0.1 s), does nothing for files
// that have been compiled, and may be called at any time, also for several
// interpreters and while workers run.
func Compile(ctx context.Context, interpreter, extracted string) error {
	// -I: no environment, no user's packages. Unchecked: nobody changes these sources.
	cmd := exec.CommandContext(ctx, interpreter, "-I", "-m", "compileall", "-q",
		"--invalidation-mode", "unchecked-hash", filepath.Join(extracted, "fescue"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fail.New(fail.Internal, "compile the Python SDK", "%w: %s", err, strings.TrimSpace(out.String())).On(interpreter)
	}
	return nil
}
