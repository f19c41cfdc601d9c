package fabric

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"fescue.dev/fescue/fail"
)

// eventsStream holds the events of all devices, in the order they came.
const eventsStream = "EVENTS"

// storeConsumer is the server's place in the stream.
const storeConsumer = "store"

// duplicateWindow is how long JetStream remembers message ids: an event that is
// sent again because its acknowledgement was lost is stored once.
const duplicateWindow = 2 * time.Minute

func ensureEvents(ctx context.Context, nc *nats.Conn, limits EventLimits) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return fail.Wrap(err, fail.Internal, "open stream", eventsStream)
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:        eventsStream,
		Description: "What happened on devices, for the server to apply once.",
		Subjects:    []string{EventsSubject(anyDevice)},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardOld,
		MaxBytes:    limits.Bytes,
		MaxAge:      limits.Age,
		Duplicates:  min(duplicateWindow, limits.Age),
	})
	return fail.Wrap(err, fail.Internal, "open stream", eventsStream)
}

// backoff is a pause that doubles from 0.1 s to 5 s.
type backoff struct{ next time.Duration }

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// wait pauses; false when ctx ended meanwhile.
func (b *backoff) wait(ctx context.Context) bool {
	b.next = min(max(2*b.next, firstPause), longestPause)
	t := time.NewTimer(b.next)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (b *backoff) reset() { b.next = 0 }
