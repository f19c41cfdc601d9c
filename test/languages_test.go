package test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The polynomial example in other languages, talking with each other: each server
// with a client of another language, each function called.
func TestPolynomialLanguages(t *testing.T) {
	const example = "../examples/polynomial-roots"
	for _, language := range []struct{ name, program string }{{"js", "node"}, {"java", "javac"}} {
		t.Run(language.name, func(t *testing.T) {
			if _, err := exec.LookPath(language.program); err != nil {
				t.Skip(language.program, " is not installed")
			}
			dir := filepath.Join(example, language.name)
			m := newMachine(t)
			m.must("deploy", dir, "-f", dir+"/server.yaml")
			m.must("deploy", example, "-f", example+"/client.yaml") // in Python
			m.printsRoots("roots-client")
			m.must("delete", "roots-server-"+language.name)
			m.must("delete", "roots-client")

			m.must("deploy", example, "-f", example+"/server.yaml")
			m.must("deploy", dir, "-f", dir+"/client.yaml")
			m.printsRoots("roots-client-" + language.name)
			m.must("delete", "roots-server")

			m.must("deploy", dir)
			m.printsRoots("roots-client-" + language.name)
			m.findsRoots("roots-" + language.name)
		})
	}
}

// printsRoots waits until the client has printed what the server found since it was asked.
func (m *machine) printsRoots(client string) {
	m.t.Helper()
	before := strings.Count(m.must("logs", client), ": -1i, 1i\n")
	m.eventually(client+" prints roots", func() error {
		logs := m.must("logs", client)
		if strings.Count(logs, ": -1i, 1i\n") > before {
			return nil
		}
		return contains(logs, "a further line 'roots of [1, 0, 1]: -1i, 1i'")
	})
}

// findsRoots calls a function with good and bad requests.
func (m *machine) findsRoots(function string) {
	m.t.Helper()
	for _, coefficients := range [][]float64{{1, -3, 2}, {2, 0, 0, 0, -2}, {5, 0}, {1e-9, 3, -1e9}} {
		request, err := json.Marshal(map[string]any{"id": 7, "coefficients": coefficients})
		if err != nil {
			m.t.Fatal(err)
		}
		var answer struct {
			ID    int          `json:"id"`
			Roots [][2]float64 `json:"roots"`
		}
		out := m.must("invoke", function, "--data", string(request))
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			m.t.Fatalf("%v in %q", err, out)
		}
		if answer.ID != 7 || len(answer.Roots) != len(coefficients)-1 {
			m.t.Fatalf("%v: answer %s", coefficients, out)
		}
		for _, r := range answer.Roots {
			if e := residual(coefficients, complex(r[0], r[1])); e > 1e-9 {
				m.t.Errorf("%v: %v is no root, relative residual %g", coefficients, r, e)
			}
		}
	}
	if out := m.must("invoke", function, "--data", `{"coefficients": [1, null]}`); !strings.Contains(out, "coefficients[1]") {
		m.t.Errorf("a bad request is answered %q", out)
	}
}
