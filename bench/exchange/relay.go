package main

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
)

// relayVariable is where clients of a relay find it.
const relayVariable = "BENCH_RELAY"

// startRelay starts what stands between two clients at least: a program that copies bytes
// from one to the other, over sockets or message queues.
func (b *builder) startRelay(link string) func(context.Context, options) (*process, []string, error) {
	return func(ctx context.Context, _ options) (*process, []string, error) {
		client, err := b.once("relay.c", func() (command, error) { return b.c("relay.c") })
		if err != nil {
			return nil, nil, err
		}
		kind, where := "stream", filepath.Join(b.dir, rand.Text())
		if link == "mqueue-floor" {
			kind, where = "queue", "/bench-"+rand.Text()
		}
		relay, err := start(ctx, exec.Command(client("", 0).Path, kind, where), nil, nil)
		if err != nil {
			return nil, nil, err
		}
		relay.onStop = func() { _ = os.Remove(where) }
		return relay, []string{relayVariable + "=" + where}, nil
	}
}
