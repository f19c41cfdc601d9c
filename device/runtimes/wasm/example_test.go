package wasm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/device/runtimes/runtimetest"
)

// The example is built as its page says, and tells the reading that does not fit.
func TestAnomalyExample(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"anomaly.c", "Makefile", "fescue.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../../examples/anomaly", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("make", "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	d := runtimetest.NewDevice(t)
	w := d.Load(t, open(t, d), "anomaly", d.Example(t, dir, "anomaly.wasm")).Start(t)
	for _, c := range strings.Fields("20.1 20.3 19.9 20.0 20.2 20.1 19.8 20.0 20.1 35.7! 20.2 -4! 20 20.3") {
		reading, strange := strings.CutSuffix(c, "!")
		want := "normal"
		if strange {
			want = "anomaly"
		}
		w.Answers(t, reading, want)
	}
	if _, err := w.Call("warm", runtimetest.Patience); err == nil || !strings.Contains(err.Error(), "not a decimal number") {
		t.Errorf("a reading that is none: %v", err)
	}
	w.Answers(t, "20.0", "normal")
}
