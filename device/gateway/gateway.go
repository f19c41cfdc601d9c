package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Options configure [New].
type Options struct {
	// Address to listen on; beyond loopback only if it says so.
	Address string
	// Dir holds the token, the address for who looks for it, and what asynchronous
	// requests leave.
	Dir string
	Log *slog.Logger
}

// Gateway is the listener. Its methods may be called from any goroutine.
type Gateway struct {
	Options
	token tokenHash
	async *async

	changing sync.Mutex
	routes   map[spec.Name]*claim
	table    atomic.Pointer[http.ServeMux]

	mu       sync.Mutex
	listener net.Listener // nil while the address is taken
}

// claim is what an application has of the paths.
type claim struct {
	active   []Route
	reserved []Route
}

// New makes a gateway and, if it can, begins to listen.
func New(o Options) (*Gateway, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o711); err != nil {
		return nil, fail.Wrap(err, fail.Internal, "make gateway", o.Dir)
	}
	token, err := ensureToken(filepath.Join(o.Dir, TokenFile))
	if err != nil {
		return nil, err
	}
	g := &Gateway{Options: o, token: token, routes: map[spec.Name]*claim{}}
	key, err := ensureSecret(filepath.Join(o.Dir, CallbackKeyFile))
	if err != nil {
		return nil, err
	}
	if g.async, err = openAsync(filepath.Join(o.Dir, "requests"), []byte(key), o.Log); err != nil {
		return nil, err
	}
	table, err := g.build()
	if err != nil {
		return nil, err
	}
	g.table.Store(table)
	if err := g.listen(); err != nil {
		o.Log.Error("the HTTP gateway cannot listen: trying again", "address", o.Address, "error", err)
	}
	return g, nil
}

// URLFile in [Options.Dir] holds where the gateway listens, while it does.
const URLFile = "url"

func (g *Gateway) listen() error {
	l, err := net.Listen("tcp", g.Address)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.listener = l
	g.mu.Unlock()
	return errors.Join(os.WriteFile(filepath.Join(g.Dir, URLFile), []byte(g.URL()+"\n"), 0o644))
}

// URL is where the gateway listens, or "" while it does not.
func (g *Gateway) URL() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener == nil {
		return ""
	}
	return "http://" + g.listener.Addr().String()
}

// retry is the pause between attempts to get the address.
const retry = 5 * time.Second

// How long a client may take.
const (
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	lastCalls  = 6 * time.Second // to end, when the gateway does; the engine's grace is shorter
)

// Run serves until ctx ends; then calls under way end within their grace.
func (g *Gateway) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { g.async.run(ctx, g.find) })
	work.Go(func() { g.async.callbacks.run(ctx) })
	defer os.Remove(filepath.Join(g.Dir, URLFile))
	for g.URL() == "" {
		select {
		case <-time.After(retry):
		case <-ctx.Done():
			return nil
		}
		if err := g.listen(); err != nil {
			g.Log.Debug("the HTTP gateway cannot listen", "address", g.Address, "error", err)
		}
	}
	s := &http.Server{
		Handler: g, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(g.Log.Handler(), slog.LevelDebug),
	}
	g.Log.Info("the HTTP gateway listens", "address", g.URL())
	work.Go(func() {
		<-ctx.Done()
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCalls)
		defer cancel()
		if s.Shutdown(late) != nil {
			_ = s.Close() // what is left is cut
		}
	})
	if err := s.Serve(g.listener); !errors.Is(err, http.ErrServerClosed) {
		return fail.Wrap(err, fail.Internal, "serve HTTP gateway", g.Address)
	}
	return nil
}

// Close stops listening, if Run was never called.
func (g *Gateway) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener != nil {
		_ = g.listener.Close() // Run may have done so
	}
}
