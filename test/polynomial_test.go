package test

import (
	"encoding/json"
	"math/cmplx"
	"strings"
	"testing"

	"fescue.dev/fescue/spec"
)

// The mission's acceptance example, deployed as a user would: client and server
// as services over message queues, then the same server as a function.
func TestPolynomialRoots(t *testing.T) {
	const example = "../examples/polynomial-roots"
	m := newMachine(t)
	m.must("deploy", example, "-f", example+"/server.yaml")
	m.must("deploy", example, "-f", example+"/client.yaml")
	m.eventually("the client prints roots", func() error {
		return contains(m.must("logs", "roots-client"), "roots")
	})
	heard := m.must("tail", "poly/roots", "--count", "3", "-o", "json")
	for line := range strings.Lines(heard) {
		var message spec.Message
		if err := json.Unmarshal([]byte(line), &message); err != nil {
			t.Fatal(err)
		}
		if message.From != "roots-server" {
			t.Errorf("a message on poly/roots is from %q", message.From)
		}
	}
	m.must("delete", "roots-client")
	m.must("delete", "roots-server")
}

// Roots through a function, checked by putting them into the polynomial.
func TestPolynomialFunction(t *testing.T) {
	const example = "../examples/polynomial-roots"
	m := newMachine(t)
	m.must("deploy", example, "-f", example+"/function.yaml")
	for _, coefficients := range [][]float64{
		{1, -3, 2}, {1, 0, 1}, {2, 0, 0, 0, -2}, {1, 0, 0, 0, 0, 1, -7, 3}, {5, 0}, {1e-9, 3, -1e9},
	} {
		request, err := json.Marshal(map[string]any{"id": 7, "coefficients": coefficients})
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			ID    int          `json:"id"`
			Roots [][2]float64 `json:"roots"`
		}
		out := m.must("invoke", "roots", "--data", string(request))
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		if answer.ID != 7 || len(answer.Roots) != len(coefficients)-1 {
			t.Fatalf("%v: answer %s", coefficients, out)
		}
		for _, r := range answer.Roots {
			if e := residual(coefficients, complex(r[0], r[1])); e > 1e-9 {
				t.Errorf("%v: %v is no root, relative residual %g", coefficients, r, e)
			}
		}
	}
	for _, bad := range []string{`{"coefficients": "x"}`, `{"coefficients": []}`, `{"coefficients": [1, null]}`, `nonsense`, `[]`, `{"coefficients": [0, 0]}`} {
		out, err := m.try("invoke", "roots", "--data", bad)
		if err != nil || !strings.Contains(out, `"error"`) {
			t.Errorf("bad coefficients %s: %q, %v", bad, out, err)
		}
	}
}

// residual is |p(x)| relative to the size of p's terms at x.
func residual(coefficients []float64, x complex128) float64 {
	var value complex128
	var scale float64
	for _, c := range coefficients {
		value = value*x + complex(c, 0)
		scale = scale*cmplx.Abs(x) + cmplx.Abs(complex(c, 0))
	}
	return cmplx.Abs(value) / scale
}
