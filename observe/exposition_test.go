package observe

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/spec"
)

func TestExposition(t *testing.T) {
	e := &Exposition{}
	e.Begin("x", "gauge", "y")
	e.Sample(0.5, "a", "q\"b\\n\n\xff", "b", "")
	var watch Stopwatch
	for _, d := range []time.Duration{time.Millisecond, 3 * time.Millisecond, 2 * time.Minute} {
		watch.Note(d)
	}
	e.Begin("took", "histogram", "Time.")
	e.Histogram(watch.Durations(), "app", "hello")
	var text strings.Builder
	if _, err := e.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text.String(), "\n")
	want := []string{"# HELP x y", "# TYPE x gauge", "x{a=\"q\\\"b\\\\n\\n\ufffd\",b=\"\"} 0.5", "# HELP took Time.", "# TYPE took histogram",
		`took_bucket{app="hello",le="0.0005"} 0`, `took_bucket{app="hello",le="0.001"} 1`, `took_bucket{app="hello",le="0.0025"} 1`, `took_bucket{app="hello",le="0.005"} 2`}
	if diff := cmp.Diff(want, lines[:len(want)]); diff != "" {
		t.Errorf("the beginning (-want +got):\n%s", diff)
	}
	want = []string{`took_bucket{app="hello",le="+Inf"} 3`, `took_sum{app="hello"} 120.004`, `took_count{app="hello"} 3`, ""}
	if diff := cmp.Diff(want, lines[len(lines)-len(want):]); diff != "" {
		t.Errorf("the end (-want +got):\n%s", diff)
	}
}

func TestQuantile(t *testing.T) {
	var d spec.Durations
	if got := d.Quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	var watch Stopwatch
	for range 90 {
		watch.Note(1500 * time.Microsecond) // in the class from 1 to 2.5 ms
	}
	for range 10 {
		watch.Note(time.Hour)
	}
	d = watch.Durations()
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{{0.45, 1750 * time.Microsecond}, {0.9, 2500 * time.Microsecond}, {0.99, time.Minute}} {
		if got := d.Quantile(c.q); got != c.want {
			t.Errorf("%v of all: %v, want %v", c.q, got, c.want)
		}
	}
}
