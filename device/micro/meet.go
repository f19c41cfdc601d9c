package micro

import (
	"context"
	"sync"

	"fescue.dev/fescue/exchange/packet"
	"fescue.dev/fescue/spec"
)

// Meeting is a line that a command uses itself, in place of a gateway: to measure, to
// look at it, to try a function.
type Meeting struct {
	Line    string        // as `fescue up --micro` has it
	Keys    []packet.Key  // of the boards that may come; none: any that has no key
	Events  Events        // see [Board]
	Console func(string)  // what a board prints between packets; may be nil
	Trouble func(error)   // the line is not there; it is tried again
	Gateway spec.DeviceID // the name that boards are told
}

// Run opens the line and calls each, one after the other, with the boards that come and
// are ready, until one call says that it was the last, or ctx ends.
func (m Meeting) Run(ctx context.Context, each func(context.Context, *Board) (last bool, err error)) error {
	l, err := parseLine(m.Line)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	options := packet.Options{Name: l.kind}
	if len(m.Keys) > 0 {
		options.Keys = func() []packet.Key { return m.Keys }
	}
	var turn sync.Mutex
	var outcome error
	over := false
	session := func(s *packet.Session) {
		defer func() { _ = s.Close() }() // never fails
		b, err := Greet(s, m.Gateway, m.Events)
		if err != nil {
			if ctx.Err() == nil {
				m.Trouble(err)
			}
			return
		}
		var run sync.WaitGroup
		defer run.Wait()
		run.Go(func() { _ = b.Run(ctx) }) // its end is seen by Done
		select {
		case <-b.Ready():
		case <-b.Done():
			return
		}
		turn.Lock()
		defer turn.Unlock()
		if ctx.Err() != nil {
			return
		}
		if over, outcome = each(ctx, b); over || outcome != nil {
			over = true
			end()
		}
	}
	err = l.run(ctx, server{
		serve:   func(ctx context.Context, p packet.Line) { _ = packet.Serve(ctx, p, options, session) }, // the line's end: it is opened again
		console: m.Console, trouble: m.Trouble,
	})
	if over {
		return outcome
	}
	return err
}
