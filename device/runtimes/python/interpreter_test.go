package python_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/device/runtimes/python"
	"fescue.dev/fescue/device/runtimes/runtimetest"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/sdk"
	"fescue.dev/fescue/spec"
)

// counter is a program that answers as Python of a version does, and counts how
// often it is asked.
func counter(t *testing.T, dir, name, version string) (asked func() int) {
	t.Helper()
	program, marks := filepath.Join(dir, name), filepath.Join(dir, name+".asked")
	answer := fmt.Sprintf(`{"path": %q, "version": %q, "prefix": %q, "tag": "t", "cache": "c", "pip": true}`, program, version, dir)
	script := fmt.Sprintf("#!/bin/sh\necho x >> %s\necho '%s'\n", marks, answer)
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return func() int {
		text, _ := os.ReadFile(marks)
		return strings.Count(string(text), "x")
	}
}

// only is a runtime that knows the interpreters of one directory before the system's.
func only(t *testing.T, d *runtimetest.Device, dir string) *python.Python {
	return open(t, d, func(o *python.Options) { o.Path = dir })
}

// The version asked for is the version taken, and one that is not there is told
// with those that are.
func TestVersionIsChosen(t *testing.T) {
	d := runtimetest.NewDevice(t)
	dir := t.TempDir()
	for name, version := range map[string]string{"python3.97": "3.97.4", "python3.98": "3.98.0", "python3.5": "3.5.1"} {
		counter(t, dir, name, version)
	}
	p := only(t, d, dir)
	ctx := context.Background()
	for want, ok := range map[string]bool{">=3.97.0": true, "~3.97.0": true, ">=3.98.0": true, ">=3.99.0": false, "3.5.1": false} {
		if err := p.Check(ctx, rangeOf(t, want)); (err == nil) != ok {
			t.Errorf("%s: %v", want, err)
		}
	}
	err := p.Check(ctx, rangeOf(t, ">=3.99.0"))
	if !fail.Is(err, fail.Unsupported) || fail.HintOf(err) == "" {
		t.Fatalf("%v", err)
	}
	for _, part := range []string{"Python >=3.99.0 is asked for", "3.98.0 (" + dir + "/python3.98)"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
}

// A program is asked once in its life: what it answered outlives the agent, and is
// asked again when the program has changed.
func TestAnswersAreRemembered(t *testing.T) {
	d := runtimetest.NewDevice(t)
	dir := t.TempDir()
	asked := counter(t, dir, "python3.98", "3.98.0")
	ctx := context.Background()
	for range 3 {
		if err := only(t, d, dir).Check(ctx, rangeOf(t, ">=3.98.0")); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	counter(t, dir, "python3.98", "3.98.10") // updated: its file has another size
	if err := only(t, d, dir).Check(ctx, rangeOf(t, ">=3.98.10")); err != nil {
		t.Errorf("after the update: %v", err)
	}
}

// An interpreter that is installed while the agent runs is found.
func TestNewInterpreterIsFound(t *testing.T) {
	d := runtimetest.NewDevice(t)
	dir := t.TempDir()
	p := only(t, d, dir)
	ctx := context.Background()
	if err := p.Check(ctx, rangeOf(t, ">=3.98.0")); !fail.Is(err, fail.Unsupported) {
		t.Fatal(err)
	}
	counter(t, dir, "python3.98", "3.98.0")
	if err := p.Check(ctx, rangeOf(t, ">=3.98.0")); err != nil {
		t.Error(err)
	}
}

// What runs in the background leaves the SDK compiled.
func TestRunPrepares(t *testing.T) {
	d := runtimetest.NewDevice(t)
	o := options(t, d)
	p, err := python.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	code, err := filepath.Glob(filepath.Join(o.SDK, "fescue", "__pycache__", "_worker.*.pyc"))
	if err != nil || len(code) != 1 {
		t.Fatalf("byte code: %q, %v", code, err)
	}
	tag := strings.Split(filepath.Base(code[0]), ".")[1]
	if !sdk.Compiled(o.SDK, tag) || sdk.Compiled(o.SDK, "cpython-0") {
		t.Error("Compiled does not tell what is there")
	}
}

func rangeOf(t *testing.T, text string) spec.Range {
	t.Helper()
	r, err := spec.ParseRange(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
