package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/cmplx"
	"slices"
)

// coefficient is a number, or [real, imaginary].
type coefficient complex128

// UnmarshalJSON reads either.
func (c *coefficient) UnmarshalJSON(text []byte) error {
	var parts [2]float64
	var list []float64
	if err := json.Unmarshal(text, &list); err == nil && len(list) == 2 {
		parts = [2]float64(list)
	} else if err := json.Unmarshal(text, &parts[0]); err != nil || string(text) == "null" {
		return fmt.Errorf("coefficients: a number or [real, imaginary] is wanted, not %.40s", text)
	}
	*c = coefficient(complex(parts[0], parts[1]))
	return nil
}

// answer answers a request, as the README says.
func answer(request []byte) []byte {
	var q struct {
		ID           json.RawMessage `json:"id"`
		Coefficients []coefficient   `json:"coefficients"`
	}
	a := map[string]any{"id": nil}
	err := json.Unmarshal(request, &q)
	if len(q.ID) > 0 {
		a["id"] = q.ID
	}
	var roots [][2]float64
	if err == nil {
		roots, err = solve(q.Coefficients)
	}
	if err != nil {
		a["error"] = err.Error()
	} else {
		a["roots"] = roots
	}
	text, err := json.Marshal(a)
	if err != nil { // a root that is not finite
		return []byte(`{"id": null, "error": "coefficients: a root is too large for a number of 64 bits"}`)
	}
	return text
}

// solve gives the roots, ordered by real and then imaginary part.
func solve(coefficients []coefficient) ([][2]float64, error) {
	if len(coefficients) == 0 {
		return nil, errors.New("coefficients: a list of numbers is wanted, the one of the highest power first")
	}
	a := make([]complex128, 0, len(coefficients))
	for _, c := range coefficients {
		if len(a) > 0 || c != 0 {
			a = append(a, complex128(c))
		}
	}
	if len(a) == 0 {
		return nil, errors.New("coefficients: all are 0, so every number is a root")
	}
	roots := [][2]float64{}
	for a[len(a)-1] == 0 {
		roots = append(roots, [2]float64{})
		a = a[:len(a)-1]
	}
	for _, z := range aberth(a) {
		roots = append(roots, [2]float64{real(z) + 0, imag(z) + 0})
	}
	slices.SortFunc(roots, func(x, y [2]float64) int { return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1])) })
	return roots, nil
}

// aberth finds all roots at once: the iteration of O. Aberth (Math. Comp. 27, 1973) and L. W.
// Ehrlich. The first and the last coefficient are not 0.
func aberth(a []complex128) []complex128 {
	n := len(a) - 1
	if n == 0 {
		return nil
	}
	// With x = scale * y, the geometric mean of the roots is 1.
	scale := math.Exp((math.Log(cmplx.Abs(a[n])) - math.Log(cmplx.Abs(a[0]))) / float64(n))
	z := make([]complex128, n)
	realOnly := true
	for k := range a {
		realOnly = realOnly && imag(a[k]) == 0
		a[k] *= complex(math.Pow(scale, -float64(k)), 0)
	}
	for i := range z {
		part := float64(i) / float64(n)
		z[i] = cmplx.Rect(1+0.1*part, 2*math.Pi*part+0.7)
	}
	for round, moving := 0, true; round < 500 && moving; round++ {
		moving = false
		for i := range z {
			moving = improve(a, z, i) || moving
		}
	}
	for i := range z {
		z[i] = tidy(z[i], realOnly) * complex(scale, 0)
	}
	return z
}

// tidy makes 0 of a part that is rounding, of a real polynomial's root.
func tidy(z complex128, realOnly bool) complex128 {
	x, y := real(z), imag(z)
	if least := 1e-12 * cmplx.Abs(z); realOnly && math.Abs(y) < least {
		y = 0
	} else if realOnly && math.Abs(x) < least {
		x = 0
	}
	return complex(x, y)
}

func improve(a, z []complex128, i int) bool {
	step := newton(a, z[i])
	var repulsion complex128
	for k := range z {
		if k != i && z[k] != z[i] {
			repulsion += 1 / (z[i] - z[k])
		}
	}
	step /= 1 - step*repulsion
	if cmplx.IsInf(step) || cmplx.IsNaN(step) {
		return false
	}
	z[i] -= step
	return cmplx.Abs(step) > 0x1p-52*cmplx.Abs(z[i])
}

// newton is Newton's step p(z)/p'(z). Outside the unit circle powers overflow: there it is that of
// the reversed polynomial at 1/z.
func newton(a []complex128, z complex128) complex128 {
	n := len(a) - 1
	inside := cmplx.Abs(z) <= 1
	x := z
	if !inside {
		x = 1 / z
	}
	var value, slope complex128
	for k := range a {
		c := a[k]
		if !inside {
			c = a[n-k]
		}
		slope = slope*x + value
		value = value*x + c
	}
	switch {
	case value == 0:
		return 0
	case inside && slope == 0:
		return 0.01
	case inside:
		return value / slope
	}
	return 1 / ((complex(float64(n), 0) - x*slope/value) * x)
}
