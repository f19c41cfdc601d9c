package client

import (
	"context"
	"net/http"
	"time"

	"fescue.dev/fescue/spec"
)

// StateKey is a key of an application's state.
type StateKey struct {
	Key      string    `json:"key"`
	Revision uint64    `json:"revision"`
	Time     time.Time `json:"time"`             // of the last change
	Expires  time.Time `json:"expires,omitzero"` // zero: never
	Size     int64     `json:"size"`             // bytes
}

// StateValue is what a key holds.
type StateValue struct {
	Key      string    `json:"key"`
	Value    []byte    `json:"value"`
	Revision uint64    `json:"revision"`
	Time     time.Time `json:"time,omitzero"`
}

// State lists the keys of an application's state on a device that begin with prefix; with device "" it
// is the only one that has it.
func (c *Client) State(ctx context.Context, app spec.Name, device spec.DeviceID, prefix string) ([]StateKey, error) {
	query := onDevice(device)
	query.Set("prefix", prefix)
	return all[StateKey](ctx, c, "list state", string(app), query, "v1", "applications", string(app), "state")
}

// StateValue reads a key.
func (c *Client) StateValue(ctx context.Context, app spec.Name, device spec.DeviceID, key string) (StateValue, error) {
	return call[StateValue](ctx, c, stateRequest("read state", http.MethodGet, app, device, key))
}

// PutState writes a key, which goes by itself after ttl where that is not 0.
func (c *Client) PutState(ctx context.Context, app spec.Name, device spec.DeviceID, key string, value []byte, ttl time.Duration) (StateValue, error) {
	r := stateRequest("write state", http.MethodPut, app, device, key)
	if value == nil {
		value = []byte{} // an empty value, not null
	}
	body := map[string]any{"value": value}
	if ttl > 0 {
		body["ttl"] = spec.Duration(ttl)
	}
	if err := r.record(body); err != nil {
		return StateValue{}, err
	}
	return call[StateValue](ctx, c, r)
}

// DeleteState deletes a key; that there is none is no error.
func (c *Client) DeleteState(ctx context.Context, app spec.Name, device spec.DeviceID, key string) error {
	return c.do(ctx, stateRequest("delete state", http.MethodDelete, app, device, key))
}

func stateRequest(op, method string, app spec.Name, device spec.DeviceID, key string) *request {
	query := onDevice(device)
	query.Set("key", key)
	return &request{op: op, on: key, method: method, path: []string{"v1", "applications", string(app), "state", "value"}, query: query}
}
