// Command exchange measures Data Xchange between two processes through a broker in a
// third: round trip, one-way rate and processor time, with the SDKs as applications use them.
// It compares, in the same run, with the floor (two processes on a socket pair)
// and with mosquitto, where that is installed.
//
//	go run ./bench/exchange                                                messages of 128 bytes: two minutes
//	go run ./bench/exchange -sizes 128,1024,8192,65536 -runs 5             everything: twelve
//	go run ./bench/exchange -links floor,mqueue-floor,mqueue -languages c  some of it: seconds
//	go run ./bench/exchange -links unix -languages c -profile broker.pprof
//	go run ./bench/exchange -idle 50                                       memory for a silent client
//
// Links: floor (two programs on a socket pair), unix-floor and mqueue-floor (with a program
// between them that only copies: the least a broker can do), mosquitto, unix, mqueue, tcp, nats,
// mqtt (our listeners), kept and kept64 (a kept topic, with one and with 64 messages on their way
// to the disk). Languages: c, go, python, java, js; with mosquitto and mqtt, c is libmosquitto and
// go a bare client that writes in batches; with nats, go is nats.go.
//
// Every message carries a number and is compared, all of it, with the one that was due.
// Figures are medians of the runs; each run has processes of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the command line's.
type options struct {
	runs      int
	sizes     []int
	links     []string
	languages []string
	each      time.Duration
	profile   string
	idle      int
}

var (
	allLinks     = []string{"floor", "unix-floor", "mqueue-floor", "mosquitto", "unix", "mqueue", "tcp", "nats", "mqtt", "kept", "kept64"}
	allLanguages = []string{"c", "go", "python", "java", "js"}
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if role := os.Getenv(roleVariable); role != "" {
		exitOn(play(ctx, role, os.Args[1:]))
		return
	}
	o, err := parse(os.Args[1:])
	exitOn(err)
	if o.idle > 0 {
		exitOn(measureIdle(ctx, o, os.Stdout))
		return
	}
	exitOn(run(ctx, o, os.Stdout))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/exchange:", err)
		os.Exit(1)
	}
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("exchange", flag.ExitOnError)
	sizes := flags.String("sizes", "128", "payload sizes in bytes, from 16 to 65536")
	links := flags.String("links", strings.Join(allLinks, ","), "what to measure; floor and mosquitto are what the others are compared with")
	languages := flags.String("languages", strings.Join(allLanguages, ","), "whose clients")
	flags.IntVar(&o.runs, "runs", 3, "runs, of which the median counts")
	flags.DurationVar(&o.each, "for", 300*time.Millisecond, "how long round trips are made, and then messages sent one way, in a run")
	flags.StringVar(&o.profile, "profile", "", "write the broker's CPU profile of the last run to this file")
	flags.IntVar(&o.idle, "idle", 0, "measure nothing of this but what the broker holds for each of so many silent clients, 100 say")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "Measures Data Xchange between two processes, beside the floor and mosquitto. Without options it takes two minutes\n"+
			"on a machine at rest, with -sizes 128,1024,8192,65536 -runs 5 twelve; -links and -languages choose a part.")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for s := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 16 || n > 65536 {
			return o, fmt.Errorf("-sizes: %q is not a number from 16 to 65536", s)
		}
		o.sizes = append(o.sizes, n)
	}
	if o.links, err = choose("-links", *links, allLinks); err != nil {
		return o, err
	}
	o.languages, err = choose("-languages", *languages, allLanguages)
	return o, err
}

// choose keeps the order of all: what others are compared with comes first.
func choose(name, list string, all []string) (chosen []string, err error) {
	wanted := strings.Split(list, ",")
	for _, w := range wanted {
		if !slices.Contains(all, w) {
			return nil, fmt.Errorf("%s: %q is none of %s", name, w, strings.Join(all, ", "))
		}
	}
	for _, a := range all {
		if slices.Contains(wanted, a) {
			chosen = append(chosen, a)
		}
	}
	return chosen, nil
}
