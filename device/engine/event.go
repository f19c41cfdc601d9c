package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"fescue.dev/fescue/exchange"
)

// The types of events (CloudEvents 1.0, attribute type) that functions get.
const (
	TypeMessage  = "fescue.topic.message" // a message of a trigger's topic; subject is the topic
	TypeInvoke   = "fescue.invoke"        // a direct call, by a user or another function
	TypeHTTP     = "fescue.http.request"  // subject is the path
	TypeSchedule = "fescue.schedule"      // subject is the schedule
	TypeStart    = "fescue.start"         // the version has come up
	TypeHealth   = "fescue.health"        // a health check: well is who returns
	TypeStop     = "fescue.stop"          // it is about to end
)

// event is what a function is called for.
type event struct {
	kind        string
	source      string // below fescue://<device>
	subject     string
	contentType string
	more        []exchange.Attribute
	payload     []byte
}

// newID is an event's.
func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return hex.EncodeToString(id[:])
}

// call makes the event one for the function; finish is called once.
func (f *function) call(e event, finish func(result []byte, err error)) *call {
	return &call{ctx: context.Background(), invocation: f.launcher.invocation(e), finish: finish}
}

// invocation is the event with CloudEvents' attributes.
func (l *launcher) invocation(e event) exchange.Invocation {
	attributes := append(make([]exchange.Attribute, 0, 6+len(e.more)),
		exchange.Attribute{Name: "id", Value: newID()},
		exchange.Attribute{Name: "source", Value: "fescue://" + string(l.application.engine.Device) + e.source},
		exchange.Attribute{Name: "type", Value: e.kind},
		exchange.Attribute{Name: "time", Value: time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00")},
	)
	if e.subject != "" {
		attributes = append(attributes, exchange.Attribute{Name: "subject", Value: e.subject})
	}
	if e.contentType != "" {
		attributes = append(attributes, exchange.Attribute{Name: "datacontenttype", Value: e.contentType})
	}
	return exchange.Invocation{
		Timeout: time.Duration(l.config.Limits.Timeout), Attributes: append(attributes, e.more...), Payload: e.payload,
	}
}
