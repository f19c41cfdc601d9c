package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	fescue "fescue.dev/fescue/sdk/go"
)

// Environment of this program's other roles.
const (
	roleVariable     = "BENCH_ROLE" // "broker", "idle", or the link of a side
	mqttVariable     = "BENCH_MQTT"
	natsVariable     = "BENCH_NATS"
	userVariable     = "BENCH_USER"
	passwordVariable = "BENCH_PASSWORD"
	profileVariable  = "BENCH_PROFILE"
)

// play is what the program does when it was started by itself.
func play(ctx context.Context, role string, args []string) error {
	if role == "broker" {
		return broker(ctx, args[0])
	}
	if len(args) != 2 {
		return errors.New("want ask|answer SIZE, or a link and how many clients")
	}
	size, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	if role == "idle" {
		return beIdle(ctx, args[0], size)
	}
	out, in := there, back
	if args[0] == "answer" {
		out, in = back, there
	}
	l, err := dial(ctx, role, out, in)
	if err != nil {
		return err
	}
	err = playSide(l, args[0], size)
	if ctx.Err() != nil {
		return nil // it was told to end
	}
	return err
}

func dial(ctx context.Context, kind, out, in string) (link, error) {
	switch kind {
	case "go":
		return dialSDK(ctx, out, in)
	case "kept":
		return dialKept(ctx, out, in, 1)
	case "kept64":
		return dialKept(ctx, out, in, 64)
	case "nats":
		return dialNATS(out, in)
	case "mqtt":
		return dialMQTT(os.Getenv(mqttVariable), out, in)
	}
	return nil, fmt.Errorf("there is no role %q", kind)
}

// sdkLink is the Go SDK.
type sdkLink struct {
	ctx      context.Context //nolint:containedctx // of the process
	client   *fescue.Client
	out      string
	received *fescue.Subscription
}

func dialSDK(ctx context.Context, out, in string) (*sdkLink, error) {
	client, err := fescue.Connect(ctx, fescue.Options{})
	if err != nil {
		return nil, err
	}
	received, err := client.Subscribe(ctx, in, fescue.SubscribeOptions{Policy: fescue.Block, Queue: 4096})
	return &sdkLink{ctx: ctx, client: client, out: out, received: received}, err
}

func (l *sdkLink) send(message []byte) error { return l.client.Publish(l.ctx, l.out, message) }
func (l *sdkLink) flush() error              { return nil }
func (l *sdkLink) window() int               { return 0 }

func (l *sdkLink) next() ([]byte, error) {
	m, err := l.received.Next(l.ctx)
	return m.Payload, err
}

// natsLink is nats.go.
type natsLink struct {
	conn     *nats.Conn
	out      string
	received *nats.Subscription
}

func dialNATS(out, in string) (*natsLink, error) {
	conn, err := nats.Connect(os.Getenv(natsVariable), nats.UserInfo(os.Getenv(userVariable), os.Getenv(passwordVariable)))
	if err != nil {
		return nil, err
	}
	received, err := conn.SubscribeSync(natsSubject(in))
	if err != nil {
		return nil, err
	}
	if err := received.SetPendingLimits(-1, -1); err != nil {
		return nil, err
	}
	return &natsLink{conn: conn, out: natsSubject(out), received: received}, conn.Flush()
}

func natsSubject(topic string) string { return strings.ReplaceAll(topic, "/", ".") }

func (l *natsLink) send(message []byte) error { return l.conn.Publish(l.out, message) }
func (l *natsLink) window() int               { return 256 << 10 }

// flush does nothing: nats.go writes by itself, and its Flush waits for the server.
func (l *natsLink) flush() error { return nil }

func (l *natsLink) next() ([]byte, error) {
	m, err := l.received.NextMsg(patience)
	if err != nil {
		return nil, err
	}
	return m.Data, nil
}
