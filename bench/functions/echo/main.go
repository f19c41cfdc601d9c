// Command echo is a function in Go that gives back what it gets (bench/functions).
package main

import (
	"context"
	"log"

	fescue "fescue.dev/fescue/sdk/go"
)

func main() {
	if err := fescue.Serve(context.Background(), func(_ context.Context, e *fescue.Event) ([]byte, error) {
		return e.Payload, nil
	}); err != nil {
		log.Fatal(err)
	}
}
