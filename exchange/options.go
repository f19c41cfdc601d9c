package exchange

import (
	"log/slog"
	"time"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/spec"
)

// Options configure a Router. Zero values mean the defaults given.
type Options struct {
	Device spec.DeviceID
	Log    *slog.Logger // default: nothing is logged
	// OnDenial hears of refused publishing and subscribing, the first of an
	// application, topic and kind at once, then at most once a second. It is
	// called by Run, one call at a time.
	OnDenial func(Denial)
	// OnLog receives LOG frames of services, level 0 to 3. Without it the
	// capability is not offered to them. Workers have [WorkerOptions].
	OnLog func(app spec.Name, level int, text string)
	// Clock tells the time of day, which messages and values carry; time.Now. How
	// long something takes or lasts does not depend on it.
	Clock func() time.Time

	MaxBody          int           // bytes a frame's body may have; 1 MiB
	MaxQueued        int           // bytes that wait for one session; 4 MiB
	MaxRegistrations int           // of a session; 4,096
	MaxSubscriptions int           // of a session; 1,024
	MaxRequests      int           // of a session, unanswered; 1,024
	HelloTimeout     time.Duration // from connecting to HELLO; 10 s
	BlockTimeout     time.Duration // of subscriptions with policy block; 1 s
}

// Defaults of a subscription and of a request.
const (
	DefaultQueue   = 1024             // messages
	DefaultRequest = 30 * time.Second // time-out
)

const (
	controlSlack = 64 << 10        // bytes of answers over MaxQueued before a client is no longer read
	lastWords    = 1 * time.Second // how long a closing session may take to send what waits
	noticePause  = 1 * time.Second // between two notices of drops to one subscription
	maxRequest   = 1 * time.Hour
	topicsKept   = 4096 // topics with statistics, beyond those registered now
	cachedTopics = 256  // topics of PUBLISHTO a session remembers
)

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	or(&o.MaxBody, wire.DefaultBody)
	or(&o.MaxQueued, 4<<20)
	or(&o.MaxRegistrations, 4096)
	or(&o.MaxSubscriptions, 1024)
	or(&o.MaxRequests, 1024)
	or(&o.HelloTimeout, 10*time.Second)
	or(&o.BlockTimeout, time.Second)
	o.MaxBody = min(max(o.MaxBody, wire.MinBody), wire.MaxLength)
	return o
}

func or[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
