// Command roots computes the roots of polynomials on Fescue: as a function when the agent
// calls it for each event, else as a service over message queues.
//
// It is compiled before it is deployed: CGO_ENABLED=0 go build -o roots .
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	fescue "fescue.dev/fescue/sdk/go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	run := serve
	if os.Getenv("FESCUE_WORKER_FD") != "" {
		run = function
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func function(ctx context.Context) error {
	return fescue.Serve(ctx, func(_ context.Context, e *fescue.Event) ([]byte, error) { return answer(e.Payload), nil })
}

func serve(ctx context.Context) error {
	client, err := fescue.Connect(ctx, fescue.Options{})
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // it has no errors
	// Block holds a client back rather than losing a request.
	requests, err := client.Subscribe(ctx, "poly/request", fescue.SubscribeOptions{Policy: fescue.Block})
	if err != nil {
		return err
	}
	fmt.Println("computing roots on", client.Device())
	for m := range requests.All(ctx) {
		if err := client.Publish(ctx, "poly/roots", answer(m.Payload)); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return requests.Err()
}
