package app

import (
	"context"
	"errors"
	"net"
	"path/filepath"

	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/cli"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/api"
	"fescue.dev/fescue/server/console"
	"fescue.dev/fescue/server/fleet"
	"fescue.dev/fescue/server/metrics"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// server is the server's wing, wired.
type server struct {
	o       cli.UpOptions
	url     string
	store   *store.Store
	control *nats.Conn
	fleet   *fleet.Fleet
	metrics *metrics.Collector
	api     *api.Server
	ln      net.Listener
}

func newServer(ctx context.Context, o cli.UpOptions, f *fabric.Server, database *store.Store) (s *server, err error) {
	s = &server{o: o, store: database}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	dir := filepath.Join(o.State, "server")
	artifacts, err := artifact.Open(filepath.Join(dir, "artifacts"))
	if err != nil {
		return nil, err
	}
	if s.control, err = f.Control(); err != nil {
		return nil, err
	}
	if _, err = api.EnsureAdminToken(ctx, s.store, filepath.Join(o.State, cli.TokenFile)); err != nil {
		return nil, err
	}
	s.fleet = fleet.New(s.store, hints{s}, o.Log.With("part", "fleet"))
	s.metrics = metrics.New(s.store, o.Log.With("part", "metrics"))
	s.api = api.New(api.Options{
		Store: s.store, Fleet: s.fleet, Metrics: s.metrics, Artifacts: artifacts, Control: s.control,
		Log: o.Log.With("part", "api"), Version: o.Version, Schema: spec.Schema, Console: console.Handler(),
	})
	if s.ln, err = api.Listen(ctx, o.Listen, o.AcceptLAN); err != nil {
		return nil, err
	}
	s.url = urlOf(s.ln.Addr())
	return s, nil
}

// urlOf is where this machine reaches a listener.
func urlOf(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		a = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}
	}
	return "http://" + a.String()
}

// hints tells devices over the fabric that something changed.
type hints struct{ *server }

// Changed is fleet.Notifier's. A hint that is lost costs a device's period.
func (h hints) Changed(device spec.DeviceID) {
	if err := fabric.Hint(h.control, device); err != nil {
		h.o.Log.Warn("cannot tell a device that something changed", "device", string(device), "error", err)
	}
}

// parts are what runs; orders are those of runAll.
func (s *server) parts() []part {
	return []part{
		{"fleet", s.fleet.Run, 0},
		{"events", s.takeEvents, 0},
		{"metrics", s.takeSamples, 0},
		{"api", func(ctx context.Context) error { return s.api.Run(ctx, s.ln) }, 1},
	}
}

// takeEvents applies what devices report and notes that they are there.
func (s *server) takeEvents(ctx context.Context) error {
	stop, err := fabric.OnAlive(s.control, s.fleet.Heard)
	if err != nil {
		return err
	}
	defer stop()
	return fabric.Consume(ctx, s.control, s.o.Log.With("part", "events"), s.fleet.Ingest)
}

// takeSamples collects what devices tell of their periods.
func (s *server) takeSamples(ctx context.Context) error {
	stop, err := fabric.OnSample(s.control, s.metrics.Take)
	if err != nil {
		return err
	}
	defer stop()
	return s.metrics.Run(ctx)
}

func (s *server) close() {
	if s.ln != nil {
		if err := s.ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.o.Log.Warn("cannot close the API's port", "error", err)
		}
	}
	if s.control != nil {
		s.control.Close()
	}
	if s.store != nil {
		if err := s.store.Close(); err != nil {
			s.o.Log.Warn("cannot close the database", "error", fail.Wrap(err, fail.Internal, "", ""))
		}
	}
}
