package meter

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/observe"
)

// Listener answers GET /metrics. Who reaches it needs no token: it tells names and numbers,
// no payloads.
type Listener struct {
	meter *Meter
	ln    net.Listener
}

// Listen opens the listener; an address without host is on loopback.
func Listen(ctx context.Context, address string, m *Meter) (*Listener, error) {
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	var c net.ListenConfig
	ln, err := c.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fail.New(fail.Unavailable, "listen for metrics", "%w", err).On(address).
			WithHint("Choose another address with --metrics, or end the program that has it.")
	}
	return &Listener{m, ln}, nil
}

// Address is where it listens.
func (l *Listener) Address() string { return l.ln.Addr().String() }

// Close gives the address up, where Run was not called.
func (l *Listener) Close() { _ = l.ln.Close() }

// Run answers until ctx ends.
func (l *Listener) Run(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", observe.ExpositionType)
		_, _ = l.meter.Expose().WriteTo(w) // a client that has gone needs none
	})
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(l.meter.Log.Handler(), slog.LevelDebug),
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l.ln); !errors.Is(err, http.ErrServerClosed) {
		return fail.Wrap(err, fail.Internal, "answer metrics", l.Address())
	}
	return nil
}
