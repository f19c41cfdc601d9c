package agent

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"fescue.dev/fescue/device/logs"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// api is a server's API in memory: client and server are other packages'.
type api struct {
	mu         sync.Mutex
	desired    spec.Desired
	registered []spec.Device
	asked      int
	down       bool
	failures   int // so many more questions fail
	hang       bool
}

func (a *api) refuse(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hang {
		a.mu.Unlock()
		<-ctx.Done()
		a.mu.Lock()
		return ctx.Err()
	}
	if a.failures--; a.down || a.failures >= 0 {
		return fail.New(fail.Unavailable, "ask", "connection refused")
	}
	return nil
}

func (a *api) PutDevice(ctx context.Context, d spec.Device) (spec.Device, error) {
	if err := a.refuse(ctx); err != nil {
		return d, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.registered = append(a.registered, d)
	return d, nil
}

func (a *api) Desired(ctx context.Context) (spec.Desired, error) {
	if err := a.refuse(ctx); err != nil {
		return spec.Desired{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	if len(a.registered) == 0 {
		return spec.Desired{}, fail.New(fail.NotFound, "ask", "no such device")
	}
	return a.desired, nil
}

func (a *api) set(change func(*api)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

func (a *api) revision(r int64) { a.set(func(a *api) { a.desired.Revision = r }) }

// engine is a deployment engine that only remembers.
type engine struct {
	applied chan spec.Desired
}

func (e *engine) Apply(d spec.Desired) { e.applied <- d }

func (e *engine) Invoke(ctx context.Context, app spec.Name, _ string, payload []byte) ([]byte, error) {
	switch string(payload) {
	case "raise":
		return nil, fail.Wrap(&exchange.HandlerError{Type: "ValueError", Message: "bad", Stack: "line 1"}, fail.Invalid, "invoke", string(app))
	case "slow":
		<-ctx.Done()
		return nil, ctx.Err()
	case "stopped":
		return nil, fail.New(fail.Unavailable, "invoke", "the function is stopped").WithHint("Start it.")
	}
	return append([]byte("result of "), payload...), nil
}

func (e *engine) Status() []spec.Placement {
	return []spec.Placement{{Device: "kitchen", Name: "roots", Version: "2.0.0", Actual: "1.0.0", State: spec.Running}}
}

// world is an agent with real fabric, exchange and logs.
type world struct {
	api     *api
	engine  *engine
	logs    *logs.Store
	router  *exchange.Router
	fabric  *fabric.Server
	server  *nats.Conn // the server's side of the fabric
	options Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	f, err := fabric.Start(t.Context(), fabric.Options{Dir: t.TempDir(), Name: "test", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	w := &world{
		api:    &api{desired: spec.Desired{Device: "kitchen", Revision: 1}},
		engine: &engine{applied: make(chan spec.Desired, 100)},
		logs:   logs.Open(t.TempDir(), log),
		router: exchange.New(exchange.Options{Device: "kitchen", Log: log}),
		fabric: f,
	}
	t.Cleanup(w.logs.Close)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = w.router.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	w.server = w.control(t)
	w.options = Options{
		Device: "kitchen", Platform: "linux/amd64", Version: "1.2.3", Dir: t.TempDir(),
		Facts:   func(context.Context) map[string]string { return map[string]string{"kernel": "6"} },
		API:     w.api,
		Control: w.control(t), Engine: w.engine, Exchange: w.router, Logs: w.logs, Log: log,
		Period: time.Hour, Alive: time.Hour,
	}
	return w
}

func (w *world) control(t *testing.T) *nats.Conn {
	t.Helper()
	nc, err := w.fabric.Control()
	if err != nil {
		t.Fatal(err)
	}
	return nc
}

// run starts an agent; stop ends it and fails the test if that takes long.
func (w *world) run(t *testing.T) (stop func()) {
	t.Helper()
	a, err := New(w.options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Run did not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

// applied waits for the next desired state that the engine is given.
func (w *world) applied(t *testing.T) spec.Desired {
	t.Helper()
	select {
	case d := <-w.engine.applied:
		return d
	case <-time.After(10 * time.Second):
		t.Fatal("the engine was given nothing")
	}
	panic("unreachable")
}

// asked waits until the API has been asked n more times for the desired state.
func (w *world) asked(t *testing.T, n int) {
	t.Helper()
	count := func() (c int) { w.api.set(func(a *api) { c = a.asked }); return c }
	first := count()
	eventually(t, "the API is asked", func() bool { return count() >= first+n })
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never came true: " + what)
		}
	}
}
