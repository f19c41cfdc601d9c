package runtimetest

import (
	"slices"
	"testing"
	"time"

	"fescue.dev/fescue/device/runtimes"
)

// ColdStart measures from nothing running to the first answer, sandbox included.
func ColdStart(b *testing.B, r func(testing.TB, *Device) runtimes.Runtime, s Source) {
	d := NewDevice(b)
	f := d.Load(b, r(b, d), "function", s)
	f.Start(b).Answers(b, "echo warm", "warm") // what is tried or compiled once has been
	var times []time.Duration
	for b.Loop() {
		begun := time.Now()
		w := f.Start(b)
		w.Answers(b, "echo hello", "hello")
		times = append(times, time.Since(begun))
		b.StopTimer()
		w.process.Terminate(0)
		b.StartTimer()
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(times[len(times)*9/10].Microseconds())/1000, "p90-ms")
}
