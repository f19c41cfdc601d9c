package client

import (
	"context"
	"net/http"
	"time"

	"fescue.dev/fescue/spec"
)

// ServerInfo is what a server says of itself.
type ServerInfo struct {
	Version  string         `json:"version"`
	Platform string         `json:"platform"`
	Database string         `json:"database"` // sqlite or postgres
	Counts   map[string]int `json:"counts"`   // of what is stored
}

// TopicInfo is a topic that is or was published on.
type TopicInfo struct {
	Topic       spec.Topic `json:"topic"`
	Publishers  int        `json:"publishers"`  // sessions that publish on it
	Subscribers int        `json:"subscribers"` // subscriptions that match it
	Messages    uint64     `json:"messages"`    // since the agent started

	PublishedBy  []string `json:"publishedBy,omitempty"` // applications; @nats is a client of MQTT or NATS, @agent the agent
	SubscribedBy []string `json:"subscribedBy,omitempty"`

	Last     []byte    `json:"last,omitempty"` // the message published last, its first 256 bytes
	LastSize int       `json:"lastSize,omitempty"`
	LastAt   time.Time `json:"lastAt,omitzero"`
}

// DeniedInfo is a topic that somebody wanted to use and may not.
type DeniedInfo struct {
	Who        string    `json:"who"`                  // the application or credential
	Credential bool      `json:"credential,omitempty"` // it is a credential
	Kind       string    `json:"kind"`                 // publish or subscribe
	Topic      string    `json:"topic"`
	Count      uint64    `json:"count"` // since the agent started
	Last       time.Time `json:"last"`
}

// Server tells of the server.
func (c *Client) Server(ctx context.Context) (ServerInfo, error) {
	return get[ServerInfo](ctx, c, "read server", "", nil, "v1", "server")
}

// Devices lists devices.
func (c *Client) Devices(ctx context.Context) ([]spec.Device, error) {
	return all[spec.Device](ctx, c, "list devices", "", nil, "v1", "devices")
}

// Device is one device.
func (c *Client) Device(ctx context.Context, id spec.DeviceID) (spec.Device, error) {
	return get[spec.Device](ctx, c, "read device", string(id), nil, "v1", "devices", string(id))
}

// Publish publishes a message on a device.
func (c *Client) Publish(ctx context.Context, id spec.DeviceID, topic spec.Topic, payload []byte) error {
	r := &request{op: "publish", on: string(topic), method: http.MethodPost, path: []string{"v1", "devices", string(id), "publish"}}
	if payload == nil {
		payload = []byte{} // an empty message, not null
	}
	if err := r.record(map[string]any{"topic": topic, "payload": payload}); err != nil {
		return err
	}
	return c.do(ctx, r)
}

// Topics lists the topics in use on a device.
func (c *Client) Topics(ctx context.Context, id spec.DeviceID) ([]TopicInfo, error) {
	l, err := get[list[TopicInfo]](ctx, c, "list topics", string(id), nil, "v1", "devices", string(id), "topics")
	return l.Items, err
}

// Denied lists what applications and clients of a device wanted and may not, the
// most recent first.
func (c *Client) Denied(ctx context.Context, id spec.DeviceID) ([]DeniedInfo, error) {
	l, err := get[struct {
		Denied []DeniedInfo `json:"denied"`
	}](ctx, c, "list denials", string(id), nil, "v1", "devices", string(id), "topics")
	return l.Denied, err
}

// Desired is what the device whose token the client has should run.
func (c *Client) Desired(ctx context.Context) (spec.Desired, error) {
	return get[spec.Desired](ctx, c, "read desired state", "", nil, "v1", "device", "desired")
}

// PutDevice registers the device whose token the client has, or brings what the
// server knows of it up to date.
func (c *Client) PutDevice(ctx context.Context, d spec.Device) (spec.Device, error) {
	r := &request{op: "register device", on: string(d.ID), method: http.MethodPut, path: []string{"v1", "device"}}
	report := map[string]any{"id": d.ID, "platform": d.Platform, "agent": d.Agent, "labels": d.Labels, "facts": d.Facts}
	if d.Labels == nil {
		delete(report, "labels")
	}
	if d.Facts == nil {
		delete(report, "facts")
	}
	if err := r.record(report); err != nil {
		return d, err
	}
	return call[spec.Device](ctx, c, r)
}

// LabelDevice changes a device's labels: a value sets one, nil removes it.
func (c *Client) LabelDevice(ctx context.Context, id spec.DeviceID, labels map[string]*string) (spec.Device, error) {
	r := &request{op: "label device", on: string(id), method: http.MethodPatch, path: []string{"v1", "devices", string(id)}}
	if err := r.record(map[string]any{"labels": labels}); err != nil {
		return spec.Device{}, err
	}
	return call[spec.Device](ctx, c, r)
}
