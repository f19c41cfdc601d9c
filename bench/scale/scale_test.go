package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestScale is the short form; FESCUE_TEST_LONG=1 is what the figures are made of. It asserts
// that everybody gets everything, nothing about how fast.
func TestScale(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "fescue")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/fescue")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	o := options{binary: binary, applications: 20, queues: 4, subscriptions: 200, mqtt: 50, rounds: 2}
	if os.Getenv("FESCUE_TEST_LONG") != "" {
		o.applications, o.queues, o.subscriptions, o.mqtt = 200, 16, 2000, 1000
	}
	var out strings.Builder
	err := run(t.Context(), o, &out)
	t.Log("\n" + out.String())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "all arrived and were answered once") {
		t.Error("it ended too soon")
	}
}
