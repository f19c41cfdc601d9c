package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// testMetrics: blocks come back by device and time, are replaced by their start, and those
// in place of which others are go in the same transaction.
func testMetrics(t *testing.T, s *store.Store) {
	ctx := t.Context()
	begin := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	block := func(device spec.DeviceID, hour int, step time.Duration, text string) store.MetricsBlock {
		start := begin.Add(time.Duration(hour) * time.Hour)
		return store.MetricsBlock{Device: device, Start: start, End: start.Add(time.Hour), Step: step, Samples: []byte(text)}
	}
	put := func(blocks, instead []store.MetricsBlock) {
		t.Helper()
		if err := s.PutMetrics(ctx, blocks, instead); err != nil {
			t.Fatal(err)
		}
	}
	want := func(device spec.DeviceID, from, to int, blocks ...store.MetricsBlock) {
		t.Helper()
		got, err := s.Metrics(ctx, device, begin.Add(time.Duration(from)*time.Hour), begin.Add(time.Duration(to)*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append([]store.MetricsBlock{}, blocks...), got); diff != "" {
			t.Errorf("hours %d to %d of %q (-want +got):\n%s", from, to, device, diff)
		}
	}
	a, b, c := block(left, 0, time.Minute, "a\x00\xff"), block(left, 1, time.Minute, "b"), block(right, 1, time.Minute, "c")
	put([]store.MetricsBlock{a, b, c}, nil)
	want(left, 0, 5, a, b)
	want("", 0, 5, a, b, c)
	want(left, 1, 5, b)
	want("nobody", 0, 5)
	b.Samples = []byte("other")
	put([]store.MetricsBlock{b}, nil)
	want(left, 1, 5, b)
	if devices, err := s.FineMetrics(ctx, 15*time.Minute, begin.Add(90*time.Minute)); err != nil || len(devices) != 1 || devices[0] != left {
		t.Errorf("with old minutes: %v, %v", devices, err)
	}
	whole := block(left, 0, 15*time.Minute, "whole")
	put([]store.MetricsBlock{whole}, []store.MetricsBlock{a, b})
	want(left, 0, 5, whole)
	if err := s.ForgetMetrics(ctx, begin.Add(90*time.Minute)); err != nil {
		t.Fatal(err)
	}
	want("", 0, 5, c)
}
