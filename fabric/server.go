package fabric

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/fail"
)

// Server is the embedded NATS server. Make one with [Start]; end it with
// [Server.Close] or by the context of [Server.Run].
type Server struct {
	options Options
	log     *slog.Logger
	nats    *server.Server
	opts    *server.Options
	gate    *gate
	lock    *os.File

	interest interest

	mu       sync.Mutex
	conns    []*nats.Conn
	closed   bool
	repaired time.Time // see repair.go
}

// Start starts the fabric and returns when it serves, a few milliseconds later.
// It fails with Conflict when another process uses the directory, and with
// Invalid for options that make no sense. What a killed process left in the
// directory is recovered.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, log: o.Log, gate: newGate(o.Auth), lock: lock}
	if err := s.start(ctx); err != nil {
		s.Close()
		return nil, fail.Wrap(err, fail.Internal, "start fabric", o.Dir)
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	var err error
	if s.opts, err = s.natsOptions(); err != nil {
		return err
	}
	if s.nats, err = server.NewServer(s.opts); err != nil {
		return err
	}
	if err := s.gate.register(s.nats); err != nil {
		return err
	}
	s.interest.nats, s.interest.account, s.interest.listed = s.nats, s.gate.data, s.refuseWide
	trouble := &natsLog{log: s.log, violation: s.violated}
	s.nats.SetLoggerV2(trouble, false, false, false)
	s.nats.Start() // does not block: the listeners have goroutines of their own
	if err := trouble.fatal(); err != nil {
		return err
	}
	if !s.nats.ReadyForConnections(10 * time.Second) {
		return fail.New(fail.Unavailable, "open listeners", "not ready after 10 s").
			WithHint("Look whether another program uses the address.")
	}
	for _, account := range []*server.Account{s.gate.control, s.gate.data} {
		if err := account.EnableJetStream(nil, nil); err != nil {
			return fail.Wrap(err, fail.Internal, "enable streams", account.Name)
		}
	}
	if s.options.MQTT != "" || s.options.WebSocket != "" {
		if err := s.preparePromises(ctx); err != nil {
			return err
		}
	}
	return s.prepareControl(ctx)
}

// prepareControl makes the stream of events, and listens for doubts in it.
func (s *Server) prepareControl(ctx context.Context) error {
	nc, err := s.Control()
	if err != nil {
		return err
	}
	if err := ensureEvents(ctx, nc, s.options.Events); err != nil {
		return err
	}
	return s.hearDoubts(nc)
}

func (s *Server) natsOptions() (*server.Options, error) {
	o := s.options
	opts := &server.Options{
		ServerName:                 o.Name,
		DontListen:                 o.NATS == "",
		NoSigs:                     true,
		NoLog:                      true,
		MaxPayload:                 maxPayload,
		Accounts:                   []*server.Account{server.NewAccount(controlAccount), server.NewAccount(dataAccount)},
		CustomClientAuthentication: s.gate,
		JetStream:                  true,
		StoreDir:                   o.Dir,
		JetStreamMaxStore:          o.MaxStore,
		JetStreamMaxMemory:         maxMemory,
		// Without it JetStream acknowledges what a power cut can still take.
		SyncAlways: true,
	}
	var err error
	var secure *tls.Config
	if o.Certificate != "" {
		secure = (&certificate{cert: o.Certificate, key: o.Key, log: o.Log}).config()
	}
	if o.NATS != "" {
		opts.TLSConfig, opts.TLS, opts.TLSTimeout = secure, secure != nil, tlsHandshake
		if opts.Host, opts.Port, err = hostPort("NATS", o.NATS); err != nil {
			return nil, err
		}
	}
	if o.MQTT != "" {
		opts.MQTT.TLSConfig, opts.MQTT.TLSTimeout = secure, tlsHandshake
		if opts.MQTT.Host, opts.MQTT.Port, err = hostPort("MQTT", o.MQTT); err != nil {
			return nil, err
		}
	}
	if o.WebSocket != "" {
		if opts.Websocket.Host, opts.Websocket.Port, err = hostPort("WebSocket", o.WebSocket); err != nil {
			return nil, err
		}
		opts.Websocket.TLSConfig, opts.Websocket.NoTLS = secure, secure == nil
	}
	return opts, nil
}

// Run looks after the streams until ctx ends, then closes the server.
func (s *Server) Run(ctx context.Context) error {
	tick, wide := time.NewTicker(examination), time.NewTicker(widePeriod)
	defer tick.Stop()
	defer wide.Stop()
	defer s.Close()
	for {
		select {
		case <-tick.C:
			s.examine()
			s.gate.clients.of("", s.live) // forgets those that have ended
		case <-wide.C:
			if s.gate.clients.any() {
				s.interest.current()
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Close ends all connections within the process, then the server. It returns
// when everything is written. It may be called more than once.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	conns := s.conns
	s.mu.Unlock()

	for _, nc := range conns {
		nc.Close()
	}
	if s.nats != nil {
		s.nats.Shutdown()
		s.nats.WaitForShutdown()
	}
	if s.lock != nil {
		_ = s.lock.Close() // releases the lock
	}
}

// Control opens a connection to the control account, within the process. The
// caller may close it; [Server.Close] does if it has not.
func (s *Server) Control() (*nats.Conn, error) { return s.connect(insideControl) }

// Data opens a connection to the data account, within the process. It does not
// receive what it published itself.
func (s *Server) Data() (*nats.Conn, error) { return s.connect(insideData, nats.NoEcho()) }

func (s *Server) connect(user string, more ...nats.Option) (*nats.Conn, error) {
	options := append([]nats.Option{
		nats.InProcessServer(s.nats),
		nats.UserInfo(user, s.gate.secret),
		nats.Name(user),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ErrorHandler(s.connectionError),
	}, more...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fail.New(fail.Unavailable, "connect to fabric", "it is closed")
	}
	nc, err := nats.Connect("", options...)
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, "connect to fabric", user)
	}
	s.conns = append(s.conns, nc)
	return nc, nil
}

// connectionError logs what NATS reports apart from any call. Slow consumers
// are counted by those who subscribe, and told there.
func (s *Server) connectionError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) {
		return
	}
	subject := ""
	if sub != nil {
		subject = sub.Subject
	}
	s.log.Warn("fabric connection", "error", err, "subject", subject)
}

// Address is where the fabric listens for a protocol ("nats", "mqtt" or
// "websocket"), or "" where it does not.
func (s *Server) Address(protocol string) string {
	switch {
	case protocol == "nats" && s.options.NATS != "":
		return joined(s.opts.Host, s.opts.Port)
	case protocol == "mqtt" && s.options.MQTT != "":
		return joined(s.opts.MQTT.Host, s.opts.MQTT.Port)
	case protocol == "websocket" && s.options.WebSocket != "":
		return joined(s.opts.Websocket.Host, s.opts.Websocket.Port)
	}
	return ""
}

// Interest is the number of subscriptions in the data account, of clients and
// of streams, that would get a message on the NATS subject.
func (s *Server) Interest(subject string) int { return s.interest.count(subject) }

// lockDir makes sure that one process alone uses the store: JetStream itself
// does not, and two writers destroy it.
func lockDir(dir string) (*os.File, error) {
	const op = "open fabric store"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fail.Wrap(err, fail.Internal, op, dir)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fail.Wrap(err, fail.Internal, op, dir)
	}
	if err := tryLock(f); err != nil {
		_ = f.Close()
		return nil, fail.New(fail.Conflict, op, "another process uses it: %w", err).On(dir).
			WithHint("Stop the other fescue that runs on this state directory, or give this one another with --state.")
	}
	return f, nil
}
