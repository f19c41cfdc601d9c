package fabric

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// ackPatience is how long JetStream waits before it gives an event again: that is
// how long events rest after the server was killed in the middle of one. While
// a handler works, or is retried, JetStream is told so.
const ackPatience = 2 * time.Second

// Consume gives every event to handle, in the order of the stream, those that
// were recorded together at once, until ctx ends; then it returns nil. Events are done when handle
// returns nil. While handle fails it is called again for the same events, after pauses from 0.1
// to 5 s: none is skipped. An exception are events that can never be
// applied (handle fails with Invalid, or they cannot be read): they are logged and dropped,
// so that they do not hold back all others.
//
// The place in the stream is kept by the fabric, under one name: a second
// Consume shares the events with the first. Events can come twice, after a crash between
// handle and the acknowledgement; device and sequence tell.
func Consume(ctx context.Context, nc *nats.Conn, log *slog.Logger, handle func(context.Context, []spec.Event) error) error {
	for pause := (backoff{}); ctx.Err() == nil; {
		err := consume(ctx, nc, log, handle, &pause)
		if ctx.Err() != nil {
			break
		}
		log.Warn("read events: trying again", "error", err)
		if !pause.wait(ctx) {
			break
		}
	}
	return nil //nolint:nilerr // it was told to end
}

// consume reads events until something of the fabric fails.
func consume(ctx context.Context, nc *nats.Conn, log *slog.Logger, handle func(context.Context, []spec.Event) error, pause *backoff) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	consumer, err := js.CreateOrUpdateConsumer(ctx, eventsStream, jetstream.ConsumerConfig{
		Durable:       storeConsumer,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackPatience,
		MaxAckPending: 1, // strict order: none is given before the one ahead of it is done
	})
	if err != nil {
		return fmt.Errorf("open consumer: %w", err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(64), jetstream.PullHeartbeat(5*time.Second))
	if err != nil {
		return fmt.Errorf("read stream: %w", err)
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	for {
		m, err := messages.Next()
		if err != nil {
			return fmt.Errorf("next event: %w", err)
		}
		pause.reset()
		if err := apply(ctx, log, m, handle); err != nil {
			return err
		}
	}
}

// apply has the events of one message handled, however often that takes.
func apply(ctx context.Context, log *slog.Logger, m jetstream.Msg, handle func(context.Context, []spec.Event) error) error {
	var events []spec.Event
	if err := json.Unmarshal(m.Data(), &events); err != nil || len(events) == 0 {
		log.Error("events cannot be read and are dropped", "subject", m.Subject(), "error", err)
		return m.TermWithReason("unreadable")
	}
	log = log.With("device", events[0].Device, "sequence", events[0].Sequence, "events", len(events))
	defer keepBusy(m)()
	for pause := (backoff{}); ; {
		err := handle(ctx, events)
		switch {
		case err == nil:
			return m.Ack()
		case fail.Is(err, fail.Invalid):
			log.Error("events cannot be applied and are dropped", "error", err)
			return m.TermWithReason("invalid")
		case ctx.Err() != nil:
			return errors.Join(context.Cause(ctx), m.Nak()) // for the next to have at once
		}
		log.Warn("apply events: trying again", "error", err)
		if !pause.wait(ctx) {
			return errors.Join(context.Cause(ctx), m.Nak())
		}
	}
}

// keepBusy tells JetStream until stop that the message is being handled.
func keepBusy(m jetstream.Msg) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(ackPatience / 4)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = m.InProgress() // if it fails the events come twice, which is allowed
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}
