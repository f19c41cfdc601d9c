// Command scale connects many clients at once to a real `fescue up`: applications, each a
// deployed process of its own in its sandbox, over Unix sockets and message queues, with
// many subscriptions together, and MQTT clients. Every client has to get its message, and
// answers it; what the agent holds in memory for each, and what a round trip between two of
// the applications takes with and without the others, is printed.
//
//	go run ./bench/scale                      200 applications, 2,000 subscriptions, 1,000 MQTT clients: some minutes
//	go run ./bench/scale -applications 20 -subscriptions 200 -queues 4 -mqtt 50
//
// It needs bin/fescue (make build), a C compiler, and to be root for applications that are users of their own.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are the command line's.
type options struct {
	binary        string
	applications  int // deployed, besides the two that measure
	queues        int // of them, over message queues
	subscriptions int // of all of them together
	mqtt          int
	rounds        int // in which everybody gets its messages, while round trips are made
	settle        time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/fescue", "the binary to measure")
	flag.IntVar(&o.applications, "applications", 200, "applications")
	flag.IntVar(&o.queues, "queues", 16, "how many of them use message queues, which the kernel limits for each user, here the agent's")
	flag.IntVar(&o.subscriptions, "subscriptions", 2000, "subscriptions of all applications together")
	flag.IntVar(&o.mqtt, "mqtt", 1000, "MQTT clients")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds in which everybody gets its messages")
	flag.DurationVar(&o.settle, "settle", 5*time.Second, "rest before memory is read")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	binary, err := filepath.Abs(o.binary)
	if err == nil {
		o.binary = binary
		err = run(ctx, o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/scale:", err)
		os.Exit(1)
	}
}
