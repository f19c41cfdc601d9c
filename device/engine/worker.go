package engine

import (
	"context"
	"fmt"
	"os"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/fail"
)

// worker is a process of a function with its session.
type worker struct {
	*program
	session *exchange.Worker
	served  chan struct{} // closed when the session is over
	cancel  context.CancelFunc
	said    func(level int, text string)
}

// startWorker starts a process of the function. It has yet to load its handler.
func (f *function) startWorker(ctx context.Context) (*worker, error) {
	l := f.launcher
	conn, file, err := unix.Pair()
	if err != nil {
		return nil, err
	}
	var p *program
	if f.nursery != nil {
		p, err = f.nursery.fork(ctx, file)
	} else {
		o := l.options(l.worker)
		o.Files = []*os.File{file}
		p, err = l.start(ctx, o, nil)
	}
	_ = file.Close() // the process has its own
	if err != nil {
		_ = conn.Close()
		return nil, fail.Wrap(err, fail.Internal, "start worker", string(l.application.name))
	}
	w := &worker{program: p, served: make(chan struct{}), said: l.said}
	w.session = l.application.engine.Exchange.Worker(conn, l.application.name, exchange.WorkerOptions{OnLog: l.said})
	var running context.Context
	running, w.cancel = context.WithCancel(context.Background()) // end ends it
	go func() {
		defer close(w.served)
		_ = w.session.Run(running) // how the process ended tells more
	}()
	return w, nil
}

// said is what the function logs through its SDK.
func (l *launcher) said(level int, text string) {
	names := [...]string{"debug", "info", "warning", "error"}
	l.log.Log(names[min(max(level, 0), len(names)-1)], text)
}

// ready waits until the handler is loaded, or tells why it cannot be.
func (w *worker) ready(ctx context.Context, limit time.Duration) error {
	const op = "load handler"
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-w.session.Ready():
		return nil
	case <-w.done:
		<-w.served
		if e := w.session.Failure(); e != nil {
			w.said(3, exceptionText(e)) // an error: it is among the last lines that go with the event
			return fail.Wrap(e, fail.Invalid, op, "")
		}
		return fail.New(fail.Invalid, op, "the worker %s before it was ready", w.exit).WithHint("See its last output.")
	case <-t.C:
		return fail.New(fail.Timeout, op, "it did not end within %v", limit).
			WithHint("What a handler's module does when it is imported must be quick.")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// gone tells whether it takes no calls any more.
func (w *worker) gone() bool {
	select {
	case <-w.session.Done():
		return true
	case <-w.done:
		return true
	default:
		return false
	}
}

// end ends the process: at once, or, with a grace, asked to finish first.
func (w *worker) end(grace time.Duration) string {
	if grace > 0 {
		w.session.Stop()
		select {
		case <-w.done:
		case <-time.After(grace):
		}
	}
	exit := w.stop(0)
	w.cancel()
	<-w.served
	return exit.String()
}

// exited is how the process ended, of a session that is over.
func (w *worker) exited() string {
	select {
	case <-w.done:
	case <-time.After(time.Second): // it closed its link and goes on
	}
	return fmt.Sprintf("a worker of the function %s", w.end(0))
}
