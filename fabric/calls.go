package fabric

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

const (
	// defaultCallTimeout is for a context without deadline.
	defaultCallTimeout = 30 * time.Second
	// longestCall bounds what a caller may ask a device to work on.
	longestCall = time.Hour
	// callsAtOnce bounds the calls of one verb under way on a device.
	callsAtOnce = 256
	// stopPatience is how long stopping waits for handlers that were told to end.
	stopPatience = 5 * time.Second
)

// Call asks a device and waits for its answer, until ctx's deadline (30 s where
// it has none). Nobody there to answer is Unavailable, no answer in time is
// Timeout, and an error of the device arrives with its kind, text and hint.
func Call[Q, R any](ctx context.Context, nc *nats.Conn, device spec.DeviceID, verb Verb, q Q) (R, error) {
	var none R
	answer, err := request(ctx, nc, device, verb, q, nil)
	if err != nil {
		return none, err
	}
	return decodeAnswer[R](answer.Data)
}

func request(ctx context.Context, nc *nats.Conn, device spec.DeviceID, verb Verb, q any, header nats.Header) (*nats.Msg, error) {
	op := "call " + string(verb)
	data, err := json.Marshal(q)
	if err != nil {
		return nil, fail.New(fail.Internal, op, "encode the request: %w", err)
	}
	if len(data) > maxPayload {
		return nil, fail.New(fail.TooLarge, op, "the request takes %d bytes, more than %d", len(data), maxPayload).
			WithHint("Send less at once.")
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultCallTimeout)
		defer cancel()
	}
	deadline, _ := ctx.Deadline()
	m := &nats.Msg{Subject: CallSubject(device, verb), Data: data, Header: nats.Header{}}
	for name, values := range header {
		m.Header[name] = values
	}
	m.Header.Set(headerTimeout, strconv.FormatInt(time.Until(deadline).Milliseconds(), 10))
	answer, err := nc.RequestMsgWithContext(ctx, m)
	return answer, callError(err, op, device)
}

// callError says what NATS's error means to the caller.
func callError(err error, op string, device spec.DeviceID) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrNoResponders):
		return fail.New(fail.Unavailable, op, "device %s is not connected", device).
			WithHint("Look whether the agent runs on %s and reaches this server; `fescue status` shows when it was last seen.", device)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return fail.New(fail.Timeout, op, "device %s did not answer in time: %w", device, err).
			WithHint("Allow more time, or look at the device's load and logs.")
	case errors.Is(err, context.Canceled):
		return fail.New(fail.Canceled, op, "%w", err)
	}
	return fail.New(fail.Unavailable, op, "reach device %s: %w", device, err).
		WithHint("The fabric does not answer now; try again.")
}

// Serve answers the calls of a verb to the device, each in a goroutine of its
// own, until stop or until ctx ends; stop waits for the handlers under way. A handler's
// context ends when its caller waits no longer, and with ctx.
func Serve[Q, R any](ctx context.Context, nc *nats.Conn, device spec.DeviceID, verb Verb, handle func(context.Context, Q) (R, error)) (stop func(), err error) {
	return serve(ctx, nc, device, verb, func(ctx context.Context, m *nats.Msg) {
		ctx, cancel := context.WithTimeout(ctx, millis(m, headerTimeout, time.Millisecond, longestCall))
		defer cancel()
		var q Q
		if err := json.Unmarshal(m.Data, &q); err != nil {
			_ = respond(m, nil, fail.New(fail.Invalid, "read call "+string(verb), "%w", err))
			return
		}
		r, err := handle(ctx, q)
		_ = respond(m, r, err) // fails only with the connection, and the caller then has its time-out
	})
}

// serve runs handle for every request to the verb, callsAtOnce at most.
func serve(ctx context.Context, nc *nats.Conn, device spec.DeviceID, verb Verb, handle func(context.Context, *nats.Msg)) (func(), error) {
	ctx, cancel := context.WithCancel(ctx)
	b := &bounded{slots: make(chan struct{}, callsAtOnce)}
	sub, err := nc.Subscribe(CallSubject(device, verb), func(m *nats.Msg) {
		if !b.run(func() { handle(ctx, m) }) {
			_ = respond(m, nil, fail.New(fail.Exhausted, "call "+string(verb), "device %s has %d such calls under way", device, callsAtOnce).
				WithHint("Try again when some of them have ended."))
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		cancel()
		return nil, fail.Wrap(err, fail.Unavailable, "serve "+string(verb), string(device))
	}
	return func() {
		_ = sub.Unsubscribe()
		cancel()
		b.stop(stopPatience)
	}, nil
}

// bounded runs functions side by side, no more than its slots at once, and
// waits for them in the end.
type bounded struct {
	slots chan struct{}

	mu      sync.Mutex
	stopped bool
	running sync.WaitGroup
}

// run starts f, or returns false when all slots are taken or it has stopped.
func (b *bounded) run(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return false
	}
	select {
	case b.slots <- struct{}{}:
	default:
		return false
	}
	b.running.Go(func() {
		defer func() { <-b.slots }()
		f()
	})
	return true
}

// stop lets nothing new start and waits for what runs, no longer than patience.
func (b *bounded) stop(patience time.Duration) {
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	done := make(chan struct{})
	go func() { b.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
	}
}
