// Command functions measures functions as their users meet them: a real `fescue up` in a process of
// its own, functions of every runtime deployed to it, called over HTTP and by topics, started from
// nothing, and idle in numbers; beside it, in the same run, what a device would have otherwise
// (mosquitto alone, Node-RED) and the least that Go's net/http costs. The content of every answer
// is checked.
//
//	go run ./bench/functions -binary bin/fescue                     a short form of everything
//	go run ./bench/functions -binary bin/fescue -runs 5 -time 3s    figures to keep
//
// Node-RED is installed by npm into .tools, if it is asked for and not there.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are the command line's.
type options struct {
	binary  string
	parts   []string
	only    []string // runtimes
	flights []int
	runs    int
	time    time.Duration
	colds   int
	idle    int
	bytes   int
}

// parts are what can be measured, in the order in which it is.
var parts = []string{"http", "mqtt", "exchange", "peers", "cold", "isolation", "idle"}

func main() {
	if role := os.Getenv(roleVariable); role != "" {
		exitOn(play(role))
		return
	}
	o, err := parse()
	exitOn(err)
	exitOn(run(o))
}

func parse() (options, error) {
	var o options
	var chosen, only, flights string
	flag.StringVar(&o.binary, "binary", "bin/fescue", "the binary to measure")
	flag.StringVar(&chosen, "parts", strings.Join(parts, ","), "what to measure")
	flag.StringVar(&only, "only", "", "runtimes, of "+strings.Join(names(), ",")+"; all that are there if left out")
	flag.StringVar(&flights, "flights", "1,16,64", "calls in flight")
	flag.IntVar(&o.runs, "runs", 1, "runs, of which the median counts")
	flag.DurationVar(&o.time, "time", time.Second, "of one measurement")
	flag.IntVar(&o.colds, "colds", 15, "cold starts of each kind")
	flag.IntVar(&o.idle, "idle", 20, "idle functions")
	flag.IntVar(&o.bytes, "bytes", 128, "of an event, at least 32")
	flag.Parse()
	var err error
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return o, err
	}
	o.parts = strings.Split(chosen, ",")
	for _, p := range o.parts {
		if !slices.Contains(parts, p) {
			return o, fmt.Errorf("-parts: %q is none of %s", p, strings.Join(parts, ", "))
		}
	}
	if o.only = names(); only != "" {
		o.only = strings.Split(only, ",")
	}
	for f := range strings.SplitSeq(flights, ",") {
		n, err := strconv.Atoi(f)
		if err != nil || n < 1 {
			return o, fmt.Errorf("-flights: %q is no number of calls", f)
		}
		o.flights = append(o.flights, n)
	}
	if o.bytes < 32 || o.runs < 1 {
		return o, errors.New("-bytes is at least 32, -runs at least 1")
	}
	return o, nil
}

func (o options) wants(part string) bool { return slices.Contains(o.parts, part) }

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/functions:", err)
		os.Exit(1)
	}
}

// run measures what was asked for, one part after the other.
func run(o options) (err error) {
	d, err := startDevice(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	for _, part := range []struct {
		name    string
		measure func(options, *device) error
	}{
		{"http", measureHTTP}, {"mqtt", measureMQTT}, {"exchange", measureExchange}, {"peers", measurePeers},
		{"cold", measureCold}, {"isolation", measureIsolation}, {"idle", measureIdle},
	} {
		if !o.wants(part.name) {
			continue
		}
		if err := part.measure(o, d); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}
