package fescue

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"fescue.dev/fescue/exchange/wire"
)

// Responder answers requests on topics.
type Responder struct {
	c       *Client
	id      uint32
	filter  string
	handler func(context.Context, Message) ([]byte, error)
	running sync.WaitGroup
}

// Respond has handler answer the requests on topics that match the filter, each in a
// goroutine of its own, with what it returns; an error is answered as an error. A message that was
// published without expecting an answer comes to it, too.
func (c *Client) Respond(ctx context.Context, filter string, handler func(context.Context, Message) ([]byte, error)) (*Responder, error) {
	r := &Responder{c: c, filter: filter, handler: handler}
	_, err := c.make(ctx, wire.Subscribe, filter, r)
	return r, err
}

// Close ends it, once the requests under way are answered.
func (r *Responder) Close() error {
	err := r.c.shut(wire.Subscribe, r.id, r)
	r.running.Wait()
	return err
}

func (r *Responder) setID(id uint32) { r.id = id }

func (r *Responder) appendTo(b []byte, _ bool) []byte {
	return wire.AppendSubscribe(b, r.id, wire.DropNewest, wire.Answers, 0, r.filter)
}

func (r *Responder) end(error) {}

func (r *Responder) take(f wire.Frame, session uint32) {
	t, _ := f.Topical()
	m := Message{Topic: string(t.Topic), Payload: clone(t.Payload)}
	if m.Topic == "" {
		m.Topic = r.filter
	}
	timeout := time.Duration(t.Timeout) * time.Millisecond
	if f.Type != wire.Call || timeout == 0 {
		timeout = time.Hour
	}
	r.running.Go(func() { r.answer(f.Type, f.ID, session, timeout, m) })
}

func (r *Responder) answer(t wire.Type, id, session uint32, timeout time.Duration, m Message) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	result, err := guarded(func() ([]byte, error) { return r.handler(ctx, m) })
	if t != wire.Call {
		return
	}
	if err == nil {
		err = r.c.checkSize(m.Topic, len(result))
	}
	r.c.onSession(session, func(b []byte) []byte {
		if err != nil {
			return wire.AppendError(b, id, wire.Internal, wire.Call, m.Topic, err.Error())
		}
		return wire.AppendPlain(b, wire.Reply, id, result)
	})
}

// panicked is a handler's panic as an error.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprint(p.value) }

// guarded makes an error of a panic: one bad message does not end the program.
func guarded(work func() ([]byte, error)) (result []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	return work()
}
