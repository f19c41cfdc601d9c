package fabric

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Journal numbers a device's events and puts them into the durable stream. It
// is the [fescue.dev/fescue/observe.Sink] of a device. One journal serves a
// device at a time.
type Journal struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	device spec.DeviceID

	// turn holds the last number given. One Emit stores at a time: the order in
	// the stream is the order of the numbers, also when some must be sent again.
	turn chan uint64
}

// publishPatience is how long one attempt waits for its acknowledgement.
const publishPatience = 2 * time.Second

// NewJournal continues the device's journal behind its last event. nc is a
// connection to the control account.
func NewJournal(ctx context.Context, nc *nats.Conn, device spec.DeviceID) (*Journal, error) {
	const op = "open journal"
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fail.Wrap(err, fail.Internal, op, string(device))
	}
	stream, err := js.Stream(ctx, eventsStream)
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, op, string(device))
	}
	last, err := lastSequence(ctx, stream, device)
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, op, string(device))
	}
	j := &Journal{nc: nc, js: js, device: device, turn: make(chan uint64, 1)}
	j.turn <- last
	return j, nil
}

// lastSequence is the number of the device's last event. Where the stream has
// none, be it that it is new, that all have aged out, that the store was lost, or
// that the last cannot be read, numbers start from the clock (microseconds since
// 1970), so that they are higher than any that the server has seen: it ignores those it knows.
func lastSequence(ctx context.Context, stream jetstream.Stream, device spec.DeviceID) (uint64, error) {
	m, err := stream.GetLastMsgForSubject(ctx, EventsSubject(device))
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, err
	}
	var events []spec.Event
	if err == nil && json.Unmarshal(m.Data, &events) == nil && len(events) > 0 && events[len(events)-1].Sequence > 0 {
		return events[len(events)-1].Sequence, nil
	}
	return uint64(max(time.Now().UnixMicro(), 0)), nil
}

// Emit stores the events, as one message; they are synced to disk when Emit
// returns nil. It fills in Device, Sequence and, where it is zero, Time. While the fabric is
// away or its disk is full it tries again, until ctx ends: then the events may or may
// not have been stored. Emit is safe for concurrent use.
func (j *Journal) Emit(ctx context.Context, events ...spec.Event) error {
	if len(events) == 0 {
		return nil
	}
	var last uint64
	select {
	case last = <-j.turn:
	case <-ctx.Done():
		return j.gaveUp(ctx, nil)
	}
	// A number is never used twice, whatever becomes of the attempt: JetStream
	// would take the second event for a repetition of the first.
	defer func() { j.turn <- last + uint64(len(events)) }()

	data, err := json.Marshal(j.numbered(events, last))
	if err != nil {
		return fail.New(fail.Invalid, "record event", "encode: %w", err)
	}
	if len(data) > maxPayload/2 {
		return fail.New(fail.TooLarge, "record event", "%d events take %d bytes, more than %d", len(events), len(data), maxPayload/2).
			WithHint("Shorten the message or the last log lines, or record fewer at once.")
	}
	return j.store(ctx, data, fmt.Sprintf("%s-%d", j.device, last+1))
}

// numbered is a copy of the events with what the journal fills in.
func (j *Journal) numbered(events []spec.Event, last uint64) []spec.Event {
	numbered := slices.Clone(events)
	for i := range numbered {
		e := &numbered[i]
		e.Device, e.Sequence = j.device, last+1+uint64(i)
		if e.Time.IsZero() {
			e.Time = time.Now()
		}
		e.Time = e.Time.UTC().Truncate(time.Microsecond)
	}
	return numbered
}

// store publishes until it is acknowledged. The id makes JetStream keep one of
// several attempts.
func (j *Journal) store(ctx context.Context, data []byte, id string) error {
	for pause := (backoff{}); ; {
		attempt, cancel := context.WithTimeout(ctx, publishPatience)
		_, err := j.js.Publish(attempt, EventsSubject(j.device), data, jetstream.WithMsgID(id))
		cancel()
		if err == nil {
			return nil
		}
		_ = j.nc.Publish(doubtSubject, nil) // see repair.go
		if !pause.wait(ctx) {
			return j.gaveUp(ctx, err)
		}
	}
}

func (j *Journal) gaveUp(ctx context.Context, last error) error {
	kind := fail.Canceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		kind = fail.Timeout
	}
	return fail.New(kind, "record event", "%w", errors.Join(context.Cause(ctx), last)).On(string(j.device)).
		WithHint("The journal could not be written; look at the free disk space of the state directory.")
}
