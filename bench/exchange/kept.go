package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"

	"golang.org/x/sync/errgroup"

	fescue "fescue.dev/fescue/sdk/go"
)

// keptThere takes the place of there: what others send there is not kept.
const keptThere = "bench/kept"

// keptLink is a kept topic, at least once: what is sent there is on disk when send returns,
// or, with several on their way at once, when flush does; what is received is acknowledged.
// Answers come back as usual.
type keptLink struct {
	*sdkLink
	consumer *fescue.Consumer // nil: this side asks
	early    map[uint64][]byte
	due      uint64

	messages chan []byte
	stored   sync.WaitGroup // messages on their way
	workers  *errgroup.Group
	failed   context.Context //nolint:containedctx // done when a worker has failed
}

func dialKept(ctx context.Context, out, in string, atOnce int) (*keptLink, error) {
	l := &keptLink{early: map[uint64][]byte{}}
	var err error
	if in == there {
		l.sdkLink, err = dialSDK(ctx, out, "bench/nothing")
		if err == nil {
			l.consumer, err = l.client.Consume(ctx, fescue.Place{Name: "bench", Filter: keptThere, Window: 256})
		}
		return l, err
	}
	if l.sdkLink, err = dialSDK(ctx, out, in); err != nil {
		return nil, err
	}
	l.messages = make(chan []byte)
	l.workers, l.failed = errgroup.WithContext(ctx)
	for range atOnce {
		l.workers.Go(l.store)
	}
	return l, nil
}

func (l *keptLink) store() error {
	for m := range l.messages {
		err := l.client.Store(l.ctx, keptThere, m)
		l.stored.Done()
		if err != nil {
			return err
		}
	}
	return nil
}

// send lets a message that is to be answered wait for those before it.
func (l *keptLink) send(message []byte) error {
	if l.consumer != nil {
		return l.sdkLink.send(message)
	}
	if message[7] >= 0x80 {
		l.stored.Wait()
	}
	l.stored.Add(1)
	select {
	case l.messages <- bytes.Clone(message):
		return nil
	case <-l.failed.Done():
		l.stored.Done()
		return l.workers.Wait()
	}
}

func (l *keptLink) flush() error {
	l.stored.Wait()
	return nil
}

// next puts what was stored side by side into order: each number is to come once.
func (l *keptLink) next() ([]byte, error) {
	if l.consumer == nil {
		return l.sdkLink.next()
	}
	for l.early[l.due] == nil {
		d, err := l.consumer.Next(l.ctx)
		if err != nil {
			return nil, err
		}
		l.early[binary.LittleEndian.Uint64(d.Payload)&^answerBit] = d.Payload
		d.Done()
	}
	m := l.early[l.due]
	delete(l.early, l.due)
	l.due++
	return m, nil
}
