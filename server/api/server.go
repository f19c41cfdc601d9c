package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/fleet"
	"fescue.dev/fescue/server/metrics"
	"fescue.dev/fescue/server/store"
)

// Options configure [New]. All but those with a default are required.
type Options struct {
	Store     *store.Store
	Fleet     *fleet.Fleet
	Metrics   *metrics.Collector
	Artifacts *artifact.Store
	Control   *nats.Conn // to the fabric's control account, for calls to devices
	Log       *slog.Logger
	Version   string // of this binary

	Limits  artifact.Limits        // of uploads; default artifact.DefaultLimits
	Console http.Handler           // answers what the API does not; default: none
	Schema  func() ([]byte, error) // JSON Schema of the configuration; default: none
	Hosts   []string               // names, beside those of loopback, by which a proxy on this machine calls the server
}

// Server is the API server.
type Server struct {
	Options
	auth      *authenticator
	mux       *http.ServeMux
	api       huma.API
	handler   http.Handler
	artifacts keyed
	timing    timing
	requests  requests
	begun     time.Time

	streams    context.Context // ends with the server, before requests are waited for
	endStreams context.CancelCauseFunc
}

// timing is what tests shorten.
type timing struct {
	heartbeat time.Duration // of streams, so that a client notices a dead one
	look      time.Duration // between looks for events that another server applied
	shutdown  time.Duration // that requests under way have to end
	removal   time.Duration // that devices have to give up an application that is deleted
}

// New makes a Server.
func New(o Options) *Server {
	if o.Limits == (artifact.Limits{}) {
		o.Limits = artifact.DefaultLimits()
	}
	s := &Server{
		Options: o,
		auth:    &authenticator{store: o.Store, noted: map[string]time.Time{}},
		mux:     http.NewServeMux(),
		begun:   time.Now(),
		timing:  timing{heartbeat: 15 * time.Second, look: 3 * time.Second, shutdown: 6 * time.Second, removal: 30 * time.Second},
	}
	s.streams, s.endStreams = context.WithCancelCause(context.Background())
	s.api = humago.New(s.mux, humaConfig())
	s.api.UseMiddleware(s.authorise)
	s.serverRoutes()
	s.metricRoutes()
	s.historyRoutes()
	s.sessionRoutes()
	s.artifactRoutes()
	s.configurationRoutes()
	s.applicationRoutes()
	s.deploymentRoutes()
	s.eventRoutes()
	s.manyLogsRoute()
	s.deviceRoutes()
	s.credentialRoutes()
	s.tokenRoutes()
	s.stateRoutes()
	s.pageRoutes(tidy(s.api.OpenAPI()))
	s.handler = s.guard(http.HandlerFunc(s.route))
	return s
}

// Handler answers requests; for tests and for servers that [Server.Run] does not
// suit.
func (s *Server) Handler() http.Handler { return s.handler }

// route hands a request to its operation, to the console, or answers that there
// is no such path, as a problem too.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	// A copy: net/http looks at the body it made itself to let a client that is
	// refused in the middle of an upload read the answer before the connection ends.
	r = r.WithContext(r.Context())
	body := newUpload(w, r)
	r.Body = body
	defer body.drain()
	h, pattern := s.mux.Handler(r)
	switch {
	case pattern != "":
		s.mux.ServeHTTP(w, r) // it sets the path's values
	case s.Console != nil && !strings.HasPrefix(r.URL.Path, "/v1/"):
		s.Console.ServeHTTP(w, r)
	default:
		refused := &refusal{header: http.Header{}}
		h.ServeHTTP(refused, r)
		if refused.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", refused.header.Get("Allow"))
			writeProblem(w, newProblem(codeMethod, r.Method+" "+clip(r.URL.Path, 200)+" is no operation", "Allowed are "+refused.header.Get("Allow")+"."))
			return
		}
		writeProblem(w, newProblem(Code(fail.NotFound.String()), "the API has no path "+clip(r.URL.Path, 200), "The API's description is at /docs."))
	}
}

// refusal takes in what http.ServeMux says of a request without pattern.
type refusal struct {
	header http.Header
	status int
}

func (r *refusal) Header() http.Header         { return r.header }
func (r *refusal) WriteHeader(status int)      { r.status = status }
func (r *refusal) Write(p []byte) (int, error) { return len(p), nil }

var errStopping = fail.New(fail.Unavailable, "serve", "the server is about to end").WithHint("Try again in a moment.")

// Run answers requests on ln until ctx ends; then streams end at once and other
// requests have a while to. Uploads that an earlier process left half registered
// are removed first. It closes ln.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	if err := s.sweep(ctx); err != nil {
		return errors.Join(err, ln.Close())
	}
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug), // clients that break off, mostly
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	select {
	case err := <-ended:
		return fail.Wrap(err, fail.Internal, "serve API", ln.Addr().String())
	case <-ctx.Done():
	}
	s.endStreams(errStopping)
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timing.shutdown)
	defer cancel()
	err := server.Shutdown(patience)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close() // what is still under way has had its time
	}
	<-ended
	return fail.Wrap(err, fail.Internal, "end API", ln.Addr().String())
}

// streamContext ends with ctx and, at the latest, when the server is to end.
func (s *Server) streamContext(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.streams, func() { cancel(errStopping) })
	return ctx, func() { stop(); cancel(nil) }
}
