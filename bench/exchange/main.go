// Command exchange measures Data Xchange between two processes through a broker
// in a third: round trip and one-way rate, for several sizes, over Unix sockets
// and POSIX message queues, against the floor (two processes on a socket pair)
// and, where it is installed, mosquitto, all in the same run.
//
//	go run ./bench/exchange            the table
//	go run ./bench/exchange -quick     fewer messages
//	go run ./bench/exchange -profile broker.pprof -only unix -sizes 128
//
// Every message carries a counter that the receiver checks. Figures are medians
// of five runs.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// options are the command line's.
type options struct {
	quick   bool
	runs    int
	sizes   []int
	only    string
	profile string
}

func main() {
	if role := os.Getenv(roleVariable); role != "" {
		exitOn(play(role))
		return
	}
	var o options
	var sizes string
	flag.BoolVar(&o.quick, "quick", false, "fewer messages, for a first impression")
	flag.IntVar(&o.runs, "runs", 5, "runs, of which the median counts")
	flag.StringVar(&sizes, "sizes", "128,1024,8192,65536", "payload sizes in bytes")
	flag.StringVar(&o.only, "only", "", "measure only this link: unix, mqueue or mosquitto")
	flag.StringVar(&o.profile, "profile", "", "write the broker's CPU profile to this file")
	flag.Parse()
	for s := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(s)
		exitOn(err)
		o.sizes = append(o.sizes, n)
	}
	exitOn(run(o))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/exchange:", err)
		os.Exit(1)
	}
}

// figures are the medians of one row.
type figures struct {
	p50, p99 time.Duration
	rate     float64 // messages a second
}

func run(o options) error {
	tracks, missing := tracksFor(o)
	out := tabwriter.NewWriter(os.Stdout, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "bytes\tlink\tp50\tp99\tone way/s\tMB/s\tp50 ÷ floor\trate ÷ floor\t")
	for _, size := range o.sizes {
		var floor figures
		for i, t := range tracks {
			f, err := measure(t, size, o)
			if err != nil {
				return fmt.Errorf("%s, %d bytes: %w", t.name, size, err)
			}
			if i == 0 {
				floor = f
			}
			fmt.Fprintf(out, "%d\t%s\t%.1f µs\t%.1f µs\t%.0f\t%.0f\t%.2f\t%.2f\t\n", size, t.name,
				micros(f.p50), micros(f.p99), f.rate, f.rate*float64(size)/1e6,
				float64(f.p50)/float64(floor.p50), f.rate/floor.rate)
		}
		out.Flush()
	}
	for _, m := range missing {
		fmt.Println(m)
	}
	return nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// measure takes the medians of a track's runs.
func measure(t track, size int, o options) (figures, error) {
	trips, messages := amounts(size, o)
	var p50, p99 []time.Duration
	var rates []float64
	for range o.runs {
		s, err := t.start(size, o)
		if err != nil {
			return figures{}, err
		}
		times, err := s.roundTrips(trips, size)
		if err == nil {
			slices.Sort(times)
			p50 = append(p50, times[len(times)/2])
			p99 = append(p99, times[len(times)*99/100])
			var took time.Duration
			took, err = s.oneWay(messages, size)
			rates = append(rates, float64(messages)/took.Seconds())
		}
		s.close()
		if err != nil {
			return figures{}, err
		}
	}
	return figures{median(p50), median(p99), median(rates)}, nil
}

func median[T time.Duration | float64](v []T) T {
	slices.Sort(v)
	return v[len(v)/2]
}

// amounts keep every measurement between a half and some seconds.
func amounts(size int, o options) (trips, messages int) {
	trips, messages = 20_000, 3_000_000
	if size > 256 {
		messages = 1_000_000
	}
	if size > 4096 {
		trips, messages = 10_000, 200_000
	}
	if size > 16_384 {
		trips, messages = 4_000, 40_000
	}
	if o.quick {
		trips, messages = trips/4, messages/4
	}
	return trips, messages
}
