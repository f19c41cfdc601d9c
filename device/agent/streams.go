package agent

import (
	"context"
	"time"

	"fescue.dev/fescue/device/logs"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// tailQueue is how many messages may wait in Data Xchange for one tail.
const tailQueue = 1024

// tail streams the messages that match a filter. It has subscribed when the call
// is answered: what is published after that is seen. When the reader is slow,
// messages are dropped and their number told, so that applications are never held back.
func (a *Agent) tail(ctx context.Context, c fabric.TailCall) (fabric.Feed[spec.Message], error) {
	client, err := a.Exchange.Local("") // one for each tail: they do not wait for each other
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = client.Close() })
	messages := make(chan spec.Message)
	sub, err := client.Subscribe(c.Filter, exchange.SubscribeOptions{Queue: tailQueue, Policy: exchange.DropNewest, From: true}, func(m exchange.Message) {
		now := time.Now().UTC().Truncate(time.Microsecond)
		select {
		case messages <- spec.Message{Time: now, Topic: m.Topic, From: m.From, Payload: m.Payload}:
		case <-ctx.Done():
		}
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, out *fabric.Outlet[spec.Message]) error {
		var dropped uint64
		for {
			select {
			case m := <-messages:
				if err := out.Send(ctx, m); err != nil {
					return nil //nolint:nilerr // the reader has gone
				}
				now := sub.Dropped()
				out.Dropped(int64(now - dropped))
				dropped = now
			case <-ctx.Done():
				return nil
			}
		}
	}, nil
}

// logLines streams an application's output.
func (a *Agent) logLines(_ context.Context, c fabric.LogsCall) (fabric.Feed[spec.LogLine], error) {
	if err := c.Application.Validate(); err != nil {
		return nil, fail.Wrap(err, fail.Invalid, "read log", string(c.Application))
	}
	n, since, until := c.Tail, c.Since, c.Until
	if c.Follow {
		n, since, until = 1, time.Time{}, time.Time{} // only whether there is a log
	}
	last, err := a.Logs.Read(c.Application, n, since, until)
	if err != nil {
		return nil, err
	}
	if len(last) == 0 && !a.holds(c.Application) {
		return nil, a.notHere("read log", c.Application)
	}
	if c.Follow {
		return a.followLog(c), nil
	}
	return func(ctx context.Context, out *fabric.Outlet[spec.LogLine]) error {
		for _, l := range last {
			if err := out.Send(ctx, l); err != nil {
				return nil //nolint:nilerr // the reader has gone
			}
		}
		return nil
	}, nil
}

func (a *Agent) followLog(c fabric.LogsCall) fabric.Feed[spec.LogLine] {
	return func(ctx context.Context, out *fabric.Outlet[spec.LogLine]) error {
		return a.Logs.Follow(ctx, c.Application, logs.FollowOptions{Tail: c.Tail, Since: c.Since}, func(i logs.Item) error {
			out.Dropped(i.Missed)
			if i.Missed > 0 {
				return nil
			}
			return out.Send(ctx, i.Line)
		})
	}
}

// holds tells whether the engine knows the application. A log can be older than
// the engine's memory, and an application younger than its first line.
func (a *Agent) holds(app spec.Name) bool {
	for _, p := range a.Engine.Status() {
		if p.Name == app {
			return true
		}
	}
	return false
}

func (a *Agent) notHere(op string, app spec.Name) error {
	return fail.New(fail.NotFound, op, "the application is not on device %s", a.Device).On(string(app)).
		WithHint("`fescue status` shows which applications are on the device.")
}
