package fabric

import (
	"log/slog"
	"net"
	"strconv"
	"time"

	"fescue.dev/fescue/fail"
)

// Options configure [Start]. Dir, Name and Log are required.
type Options struct {
	Dir  string // JetStream's store; made if missing, used by one process at a time
	Name string // of this server, as other NATS servers and clients see it
	Log  *slog.Logger

	// Addresses (host:port) to listen on, for clients of the data account. An
	// empty one is closed. Any of them needs Auth.
	NATS, MQTT, WebSocket string
	// Certificate and Key are PEM files with which these listeners speak TLS, and
	// nothing else; "" is without. They may change at any time.
	Certificate, Key string
	Auth             Authenticator
	// OnViolation, if not nil, hears of what connected clients wanted and may not.
	// It must not block.
	OnViolation func(Violation)

	MaxStore int64       // bytes of disk for all streams; default 1 GiB
	Events   EventLimits // of the stream of events
}

// EventLimits bound the stream of events. When one is reached the oldest events
// go first, whether the server has applied them or not: a device that fills its
// disk stops working, one that forgets its oldest reports does not.
type EventLimits struct {
	Bytes int64         // default 64 MiB, some 200,000 events
	Age   time.Duration // default 30 days
}

const (
	defaultMaxStore   = 1 << 30
	defaultEventBytes = 64 << 20
	defaultEventAge   = 30 * 24 * time.Hour

	// maxPayload lets a message of Data Xchange's largest body (1 MiB) through,
	// Base64 in JSON, with room for a stack trace.
	maxPayload = 4 << 20
	// maxMemory is for streams in memory, of which Fescue has none of its own.
	maxMemory = 32 << 20
)

func (o Options) withDefaults() (Options, error) {
	if o.MaxStore == 0 {
		o.MaxStore = defaultMaxStore
	}
	if o.Events.Bytes == 0 {
		o.Events.Bytes = min(defaultEventBytes, o.MaxStore/2)
	}
	if o.Events.Age == 0 {
		o.Events.Age = defaultEventAge
	}
	switch {
	case o.Dir == "" || o.Name == "" || o.Log == nil:
		return o, fail.New(fail.Invalid, "start fabric", "options without directory, name or logger")
	case o.listens() && o.Auth == nil:
		return o, fail.New(fail.Invalid, "start fabric", "a listener is asked for without an authenticator").
			WithHint("Give the fabric credentials to check before opening NATS, MQTT or WebSocket, or leave these addresses empty.")
	case (o.Certificate == "") != (o.Key == ""):
		return o, fail.New(fail.Invalid, "start fabric", "a certificate needs its key, and a key its certificate").On(o.Certificate + o.Key).
			WithHint("Give both --tls-cert and --tls-key, or neither.")
	case o.Events.Bytes > o.MaxStore:
		return o, fail.New(fail.Invalid, "start fabric", "events may take %d bytes, the whole store %d", o.Events.Bytes, o.MaxStore).
			WithHint("Raise the store's size or lower that of the events.")
	}
	return o, nil
}

func (o Options) listens() bool { return o.NATS != "" || o.MQTT != "" || o.WebSocket != "" }

// hostPort splits an address of Options for nats-server, which takes -1 for any
// free port.
func hostPort(what, address string) (string, int, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, badAddress(what, address)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, badAddress(what, address)
	}
	if port == 0 {
		return host, -1, nil
	}
	return host, int(port), nil
}

func badAddress(what, address string) error {
	return fail.New(fail.Invalid, "start fabric", "the %s address %q is not host:port", what, address).
		WithHint("Write it as 127.0.0.1:4222; port 0 takes any free one.")
}
