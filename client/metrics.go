package client

import (
	"context"
	"net/url"
	"time"

	"fescue.dev/fescue/spec"
)

// Span is the time of a history; zero values are the server's defaults: the last hour, in
// steps that fit it.
type Span struct {
	From, To time.Time
	Step     time.Duration
}

func (s Span) query() url.Values {
	q := url.Values{}
	if !s.From.IsZero() {
		q.Set("from", s.From.UTC().Format(time.RFC3339Nano))
	}
	if !s.To.IsZero() {
		q.Set("to", s.To.UTC().Format(time.RFC3339Nano))
	}
	if s.Step > 0 {
		q.Set("step", s.Step.String())
	}
	return q
}

// History is how something went over a time.
type History[P any] struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Step   float64   `json:"step"` // seconds between points
	Points []P       `json:"points"`
}

// DevicePoint is a step of a device, or of all together; rates are per second.
type DevicePoint struct {
	Time        time.Time `json:"time"`   // end of the step
	CPU         float64   `json:"cpu"`    // share of all processors, 0 to 1
	Memory      int64     `json:"memory"` // bytes not available to programs
	MemoryTotal int64     `json:"memoryTotal"`
	Disk        int64     `json:"disk"` // bytes in use
	DiskTotal   int64     `json:"diskTotal"`
	Agent       int64     `json:"agent"`           // resident bytes of the agent
	Booted      time.Time `json:"booted,omitzero"` // when the device was started
	Messages    float64   `json:"messages"`        // published
	Bytes       float64   `json:"bytes"`           // of their payloads
	Calls       float64   `json:"calls"`           // of functions
	Errors      float64   `json:"errors"`          // calls that failed, were late or were refused
}

// ApplicationPoint is a step of an application; rates are per second.
type ApplicationPoint struct {
	Time     time.Time `json:"time"` // end of the step
	In       float64   `json:"in"`   // messages that it published
	InBytes  float64   `json:"inBytes"`
	Out      float64   `json:"out"` // messages that were queued for it
	OutBytes float64   `json:"outBytes"`
	Dropped  float64   `json:"dropped"`
	Denied   float64   `json:"denied"`
	Calls    float64   `json:"calls"`
	Errors   float64   `json:"errors"`
	Timeouts float64   `json:"timeouts"`
	Refused  float64   `json:"refused"`
	P50      float64   `json:"p50,omitempty"` // seconds
	P99      float64   `json:"p99,omitempty"` // seconds
	CPU      float64   `json:"cpu"`           // processors that were busy
	Memory   int64     `json:"memory"`        // bytes of its processes that are theirs alone
	Workers  int       `json:"workers"`
	Waiting  int       `json:"waiting"`
	Restarts uint64    `json:"restarts"` // in the step
}

// DeviceMetrics is how a device went over a time, or, with device "", all together.
func (c *Client) DeviceMetrics(ctx context.Context, device spec.DeviceID, s Span) (History[DevicePoint], error) {
	path := []string{"v1", "metrics"}
	if device != "" {
		path = []string{"v1", "devices", string(device), "metrics"}
	}
	return get[History[DevicePoint]](ctx, c, "read metrics", string(device), s.query(), path...)
}

// ApplicationMetrics is how an application went over a time on a device, or, with device
// "", on all that have it.
func (c *Client) ApplicationMetrics(ctx context.Context, name spec.Name, device spec.DeviceID, s Span) (History[ApplicationPoint], error) {
	query := s.query()
	if device != "" {
		query.Set("device", string(device))
	}
	return get[History[ApplicationPoint]](ctx, c, "read metrics", string(name), query, "v1", "applications", string(name), "metrics")
}
