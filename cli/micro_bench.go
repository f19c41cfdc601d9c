package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/spec"
)

func (s *session) microBenchCommand() *cobra.Command {
	duration := 2 * time.Second
	c := &cobra.Command{
		Use:   "bench LINE | simulate",
		Short: "Measure a microcontroller: round trip, upload, calls",
		Long: `Measures, on a line that no gateway uses: the round trip of a frame of 16 bytes, how long the upload
of a function of 250 bytes and its start take, and how many calls of it are made in a second, one
after the other. The function is taken away again. 'simulate' measures the agent as a process.`,
		Example: `  fescue micro bench serial:/dev/ttyUSB0
  fescue micro bench simulate`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			measure := func(ctx context.Context, b *micro.Board) (bool, error) { return true, s.bench(ctx, b, duration) }
			if a[0] == "simulate" {
				return s.onSimulator(c.Context(), quiet(), nil, measure)
			}
			fmt.Fprintf(s.Stderr, "waiting for a board on %s\n", a[0])
			return micro.Meeting{
				Line: a[0], Keys: s.microKeys().List(), Gateway: "bench", Events: quiet(),
				Trouble: func(err error) { fmt.Fprintf(s.Stderr, "%v\n", err) },
			}.Run(c.Context(), measure)
		},
	}
	c.Flags().DurationVar(&duration, "for", duration, "how long calls and round trips are measured, each")
	return c
}

// quiet listens to nothing that a board says.
func quiet() micro.Events {
	return micro.Events{Publish: func(spec.Name, spec.Topic, []byte) {}, Log: func(spec.Name, uint32, string) {}, Returned: func(spec.Name) {}}
}

const benchName = "fescue-bench"

func (s *session) bench(ctx context.Context, b *micro.Board, d time.Duration) error {
	fmt.Fprintf(s.Stdout, "%s: %s\n", b.Facts.ID, b.Facts.Platform)
	trips, err := repeat(d, func() error { return b.Ping(ctx, 8) })
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "frame round trip   p50 %v  p99 %v  (%d)\n", percentile(trips, 50), percentile(trips, 99), len(trips))
	var uploads []time.Duration
	for i := range byte(5) {
		begin := time.Now()
		if err := b.Install(ctx, micro.Module{Function: benchName, Version: spec.Version(fmt.Sprintf("1.0.%d", i)), Code: benchModule(i), Fuel: 100}); err != nil {
			return err
		}
		uploads = append(uploads, time.Since(begin))
		if _, err := b.Invoke(ctx, benchName, "", nil, time.Second); err != nil { // it has proven itself
			return err
		}
	}
	slices.Sort(uploads)
	fmt.Fprintf(s.Stdout, "upload and load    p50 %v  most %v  (250 bytes, %d)\n", percentile(uploads, 50), uploads[len(uploads)-1].Round(time.Microsecond), len(uploads))
	calls, err := repeat(d, func() error {
		_, err := b.Invoke(ctx, benchName, "", []byte("sixteen bytes ..")[:16], time.Second)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "calls              %.0f/s  p50 %v  p99 %v\n", float64(len(calls))/d.Seconds(), percentile(calls, 50), percentile(calls, 99))
	return b.Remove(ctx, benchName)
}

// repeat does a thing for a time, and gives how long each took, the shortest first.
func repeat(d time.Duration, do func() error) ([]time.Duration, error) {
	var all []time.Duration
	for begin := time.Now(); time.Since(begin) < d; {
		one := time.Now()
		if err := do(); err != nil {
			return nil, err
		}
		all = append(all, time.Since(one))
	}
	slices.Sort(all)
	return all, nil
}

func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[min(len(sorted)*p/100, len(sorted)-1)].Round(time.Microsecond)
}

// benchModule is a function of 250 bytes that answers with its event; variant makes
// another one of it.
func benchModule(variant byte) []byte {
	code := []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x0b\x02\x60\x02\x7f\x7f\x01\x7f\x60\x00\x01\x7f" + // types: (i32 i32) → i32, () → i32
		"\x02\x1f\x02\x06fescue\x05event\x00\x00\x06fescue\x05reply\x00\x00" +
		"\x03\x02\x01\x01" + "\x05\x03\x01\x00\x01" + "\x07\x0a\x01\x06handle\x00\x02" +
		"\x0a\x0e\x01\x0c\x00\x41\x00\x41\x00\x41\x20\x10\x00\x10\x01\x0b") // reply(0, event(0, 32))
	rest := 250 - len(code) - 3
	return append(append(code, 0, byte(0x80|(rest&0x7f)), byte(rest>>7)), append([]byte{1, 'x', variant}, strings.Repeat(".", rest-3)...)...)
}
