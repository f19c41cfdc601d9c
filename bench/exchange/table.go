package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// figures are the medians of one row.
type figures struct {
	p50, p99        time.Duration // of a round trip
	rate            float64       // messages a second, one way
	broker, clients time.Duration // processor time for each of them
}

// reference is what rows of one size are compared with.
type reference struct {
	floor     time.Duration
	mosquitto float64 // the best rate of any client
}

func run(ctx context.Context, o options, w io.Writer) error {
	dir, err := os.MkdirTemp("", "bench") // short: the address of a socket has room for 107 bytes
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // of no use to anybody
	rows, missing := prepare(ctx, o, dir)
	out := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "bytes\tlink\tclient\tp50 µs\tp99 µs\tone way/s\tMB/s\tbroker µs\tclients µs\tp50 ÷ floor\trate ÷ mosquitto\t")
	for _, size := range o.sizes {
		var ref reference
		for _, r := range rows {
			f, err := measure(ctx, r, size, o)
			if err != nil {
				return fmt.Errorf("%s, %s, %d bytes: %w", r.link, r.language, size, err)
			}
			ref.note(r, f)
			fmt.Fprintf(out, "%d\t%s\t%s\t%.1f\t%.1f\t%.0f\t%.1f\t%.2f\t%.2f\t%s\t%s\t\n", size, r.link, r.language,
				micros(f.p50), micros(f.p99), f.rate, f.rate*float64(size)/1e6, micros(f.broker), micros(f.clients),
				ratio(float64(f.p50), float64(ref.floor)), ratio(f.rate, ref.mosquitto))
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	for _, m := range missing {
		fmt.Fprintln(w, "not measured:", m)
	}
	return nil
}

func (ref *reference) note(r row, f figures) {
	switch r.link {
	case "floor":
		ref.floor = f.p50
	case "mosquitto":
		ref.mosquitto = max(ref.mosquitto, f.rate)
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func ratio(v, to float64) string {
	if to == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v/to)
}
