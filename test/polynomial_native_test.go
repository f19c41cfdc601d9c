package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// native builds what is not compiled on the device and returns the folder of an
// example in a compiled language.
func native(t *testing.T, language string) string {
	t.Helper()
	from := filepath.Join("../examples/polynomial-roots", language)
	if language != "go" {
		return from
	}
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "roots"), ".")
	build.Dir, build.Env = from, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the example: %v\n%s", err, out)
	}
	for _, name := range []string{"fescue.yaml", "server.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(readFile(t, filepath.Join(from, name))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The functions in C, C++ and Go, compiled on the device or before.
func TestPolynomialNativeFunctions(t *testing.T) {
	m := newMachine(t)
	for _, language := range []string{"c", "cpp", "go"} {
		dir := native(t, language)
		m.must("deploy", dir, "-f", filepath.Join(dir, "fescue.yaml"))
		var answer struct{ Roots [][2]float64 }
		out := m.must("invoke", "roots-"+language, "--data", `{"id": 7, "coefficients": [1, 0, 0, 0, 0, 1, -7, 3]}`)
		if err := json.Unmarshal([]byte(out), &answer); err != nil || len(answer.Roots) != 7 {
			t.Fatalf("%s: %v in %q", language, err, out)
		}
		for _, r := range answer.Roots {
			if e := residual([]float64{1, 0, 0, 0, 0, 1, -7, 3}, complex(r[0], r[1])); e > 1e-9 {
				t.Errorf("%s: %v is no root, relative residual %g", language, r, e)
			}
		}
		m.must("delete", "roots-"+language)
	}
}

// Each service over message queues, asked by the client in Python.
func TestPolynomialNativeServices(t *testing.T) {
	const example = "../examples/polynomial-roots"
	m := newMachine(t)
	m.must("deploy", example, "-f", example+"/client.yaml")
	for _, language := range []string{"c", "cpp", "go"} {
		dir := native(t, language)
		m.must("deploy", dir, "-f", filepath.Join(dir, "server.yaml"))
		if err := contains(m.must("tail", "poly/roots", "--count", "1", "-o", "json"), "roots-server-"+language); err != nil {
			t.Error(err)
		}
		m.must("delete", "roots-server-"+language)
	}
}
