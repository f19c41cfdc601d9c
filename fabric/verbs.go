package fabric

import (
	"time"

	"fescue.dev/fescue/spec"
)

// InvokeCall asks a device to call a function once. The call's own deadline
// bounds it; the configuration's limit does too.
type InvokeCall struct {
	Application spec.Name `json:"application"`
	Payload     []byte    `json:"payload"`
	// ContentType of the payload, where the caller said it.
	ContentType string `json:"contentType,omitempty"`
}

// InvokeReply is what the handler returned, or how it failed. That a handler
// raised an exception is a reply: the device did what it was asked to.
type InvokeReply struct {
	Payload []byte          `json:"payload,omitempty"`
	Failure *HandlerFailure `json:"failure,omitempty"`
}

// HandlerFailure is an exception of a handler.
type HandlerFailure struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Stack   string `json:"stack,omitempty"`
}

// PublishCall asks a device to publish a message locally.
type PublishCall struct {
	Topic   spec.Topic `json:"topic"`
	Payload []byte     `json:"payload"`
}

// PublishReply says that Data Xchange took the message.
type PublishReply struct{}

// TopicsCall asks which topics are in use on a device.
type TopicsCall struct{}

// TopicsReply lists them.
type TopicsReply struct {
	Topics []TopicInfo  `json:"topics"`
	Denied []DeniedInfo `json:"denied,omitempty"`
}

// TopicInfo is a topic that is or was published on.
type TopicInfo struct {
	Topic       spec.Topic `json:"topic"`
	Publishers  int        `json:"publishers" doc:"Sessions that publish on it."`
	Subscribers int        `json:"subscribers" doc:"Subscriptions that match it."`
	Messages    uint64     `json:"messages" doc:"Published on it since the agent started."`

	PublishedBy  []string `json:"publishedBy,omitempty" doc:"Applications; @nats is a client of MQTT or NATS, @agent the agent, for somebody at the API."`
	SubscribedBy []string `json:"subscribedBy,omitempty"`

	Last     []byte    `json:"last,omitempty" doc:"The message published last, its first 256 bytes."`
	LastSize int       `json:"lastSize,omitempty" doc:"Bytes of the whole payload."`
	LastAt   time.Time `json:"lastAt,omitzero"`
}

// DeniedInfo is a topic that somebody wanted to use and may not.
type DeniedInfo struct {
	Who        string    `json:"who" doc:"The application or credential."`
	Credential bool      `json:"credential,omitempty"`
	Kind       string    `json:"kind" doc:"publish or subscribe"`
	Topic      string    `json:"topic"`
	Count      uint64    `json:"count" doc:"Since the agent started."`
	Last       time.Time `json:"last"`
}

// StatusCall asks a device how it is.
type StatusCall struct{}

// StatusReply is how a device is.
type StatusReply struct {
	Device       spec.DeviceID       `json:"device"`
	Agent        string              `json:"agent"`
	StartedAt    time.Time           `json:"startedAt"`
	Revision     int64               `json:"revision" doc:"Of the desired state that the engine was last given."`
	Applications []ApplicationStatus `json:"applications"`
}

// ApplicationStatus is the state of one application on the device, now.
type ApplicationStatus struct {
	Name    spec.Name     `json:"name"`
	Version spec.Version  `json:"version"`
	State   spec.RunState `json:"state"`
	Message string        `json:"message,omitempty"`
	// Data Xchange's counters.
	Sessions int    `json:"sessions"`
	In       uint64 `json:"in" doc:"Messages that it published."`
	Out      uint64 `json:"out" doc:"Messages that were queued for it."`
	Dropped  uint64 `json:"dropped"`
	Denied   uint64 `json:"denied"`
}

// TailCall asks for the messages of a device's topics as they pass, as a stream
// of [spec.Message].
type TailCall struct {
	Filter spec.Filter `json:"filter"`
}

// LogsCall asks for an application's output as a stream of [spec.LogLine]: the
// last Tail lines (all when negative) from Since on, and with Follow everything after.
// Without Follow the stream ends behind the last line.
type LogsCall struct {
	Application spec.Name `json:"application"`
	Tail        int       `json:"tail"`
	Since       time.Time `json:"since,omitzero"`
	Until       time.Time `json:"until,omitzero"` // without Follow: only lines before
	Follow      bool      `json:"follow"`
}

// StateOperation is what a [StateCall] does.
type StateOperation string

// The operations.
const (
	StateList   StateOperation = "list"
	StateGet    StateOperation = "get"
	StatePut    StateOperation = "put"
	StateDelete StateOperation = "delete"
)

// StateCall asks for an application's state on a device, or changes it.
type StateCall struct {
	Application spec.Name      `json:"application"`
	Operation   StateOperation `json:"operation"`
	Key         string         `json:"key,omitempty"` // for list: what keys begin with
	After       string         `json:"after,omitempty"`
	Limit       int            `json:"limit,omitempty"`
	Value       []byte         `json:"value,omitempty"`
	TTL         spec.Duration  `json:"ttl,omitempty"` // 0: for ever
	// Revision the key must have for a change, 0 that there is no such key; nil: whatever it has.
	Revision *uint64 `json:"revision,omitempty"`
}

// StateReply answers it: keys for list, the value for get, the revision for a change.
type StateReply struct {
	Keys     []StateKey `json:"keys,omitempty"`
	More     bool       `json:"more,omitempty"`
	Used     int64      `json:"used,omitempty"` // bytes, for list
	Quota    int64      `json:"quota,omitempty"`
	Revision uint64     `json:"revision,omitempty"`
	Time     time.Time  `json:"time,omitzero"`
	Value    []byte     `json:"value,omitempty"`
}

// StateKey is a key of an application's state.
type StateKey struct {
	Key      string    `json:"key"`
	Revision uint64    `json:"revision" doc:"Rises with each change."`
	Time     time.Time `json:"time" doc:"Of the last change."`
	Expires  time.Time `json:"expires,omitzero" doc:"Missing: never."`
	Size     int64     `json:"size" doc:"Bytes that it is charged: key and value, and 64 for the key."`
}
