package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"fescue.dev/fescue/cli"
	"fescue.dev/fescue/device/access"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
)

// Up runs the server and the agent of this machine on one embedded fabric,
// until ctx ends. The agent takes its work exactly as one elsewhere does: from
// the API, told by the fabric.
func Up(ctx context.Context, o cli.UpOptions) error {
	state, unlock, err := openState(o.State)
	if err != nil {
		return err
	}
	defer unlock()
	o.State = state

	logins := access.New(filepath.Join(state, "device", "mqtt-sessions.json"), o.Log.With("part", "access"))
	fabricServer, database, err := openStores(ctx, o, logins)
	if err != nil {
		return err
	}
	defer fabricServer.Close()

	server, err := newServer(ctx, o, fabricServer, database)
	if err != nil {
		return err
	}
	defer server.close()
	device, err := newDevice(ctx, o, server, fabricServer, logins)
	if err != nil {
		return err
	}
	defer device.close()

	if err := writeAddress(filepath.Join(state, cli.URLFile), server.url); err != nil {
		return err
	}
	if o.OnListen != nil {
		o.OnListen(server.url)
	}
	stopTrim := trimAfterStart()
	defer stopTrim()
	err = runAll(ctx, o.Log, append(server.parts(), device.parts()...))
	_ = os.Remove(filepath.Join(state, cli.URLFile)) // nothing answers there any more
	return err
}

// openStores starts the fabric and opens the database. Both wait for the disk
// most of the time: side by side they take as long as one.
func openStores(ctx context.Context, o cli.UpOptions, logins *access.Access) (f *fabric.Server, database *store.Store, err error) {
	var wait sync.WaitGroup
	var fabricErr, databaseErr error
	wait.Go(func() {
		f, fabricErr = fabric.Start(ctx, fabric.Options{
			Dir: filepath.Join(o.State, "fabric"), Name: "fescue", Log: o.Log.With("part", "fabric"),
			MQTT: o.MQTT, NATS: o.NATS, WebSocket: o.WebSocket, Auth: logins, OnViolation: logins.Violated,
			Certificate: o.Certificate, Key: o.Key,
		})
	})
	wait.Go(func() {
		url := o.Database
		if url == "" {
			url = "sqlite:" + filepath.Join(o.State, "server", "fescue.db")
		}
		database, databaseErr = store.Open(ctx, url)
	})
	wait.Wait()
	if err = errors.Join(fabricErr, databaseErr); err == nil {
		return f, database, nil
	}
	if fabricErr == nil {
		f.Close()
	}
	if databaseErr == nil {
		err = errors.Join(err, database.Close())
	}
	return nil, nil, err
}

// part is something that runs until its context ends.
type part struct {
	name string
	run  func(context.Context) error
	// order: parts of a higher order are ended first, and waited for.
	order int
}

// shutdownTime bounds how long each order may take to end.
const shutdownTime = 8 * time.Second

// runAll runs the parts until ctx ends or one fails, then ends them, highest
// order first: applications stop while Data Xchange and the fabric still carry
// their last words.
func runAll(ctx context.Context, log *slog.Logger, parts []part) error {
	ctx, fault := context.WithCancelCause(ctx)
	defer fault(nil)
	orders := map[int]*stage{}
	top := 0
	for _, p := range parts {
		if orders[p.order] == nil {
			orders[p.order] = newStage(ctx)
		}
		top = max(top, p.order)
		orders[p.order].start(p, fault)
	}
	<-ctx.Done()
	for order := top; order >= 0; order-- {
		if s := orders[order]; s != nil && !s.end(shutdownTime) {
			log.Warn("a part did not end in time", "order", order)
		}
	}
	var partFault *partError
	if errors.As(context.Cause(ctx), &partFault) {
		return partFault.err
	}
	return nil
}

// partError is the end of a part that ended all others.
type partError struct{ err error }

// Error is the part's error.
func (e *partError) Error() string { return e.err.Error() }

// stage is the parts of one order. They outlive the context that ends them all.
type stage struct {
	ctx    context.Context
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

func newStage(ctx context.Context) *stage {
	s := &stage{}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return s
}

func (s *stage) start(p part, fault context.CancelCauseFunc) {
	s.wait.Go(func() {
		err := p.run(s.ctx)
		if err != nil && s.ctx.Err() == nil {
			fault(&partError{fail.Wrap(err, fail.Internal, "run "+p.name, "")})
		}
	})
}

func (s *stage) end(limit time.Duration) bool {
	s.cancel()
	done := make(chan struct{})
	go func() { s.wait.Wait(); close(done) }()
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false
	}
}
