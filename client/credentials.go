package client

import (
	"context"
	"net/http"

	"fescue.dev/fescue/spec"
)

// NewCredential is a login with its secret, which is told this once.
type NewCredential struct {
	Credential spec.Credential `json:"credential"`
	Secret     string          `json:"secret"`
	// Pending are devices that do not have it yet: not connected, or slow.
	Pending []spec.DeviceID `json:"pending"`
}

// CreateCredential makes a login for an MQTT or NATS client. When it returns the
// devices that are connected have it, but for those it names.
func (c *Client) CreateCredential(ctx context.Context, want spec.Credential) (NewCredential, error) {
	r := &request{op: "create credential", on: string(want.Name), method: http.MethodPost, path: []string{"v1", "credentials"}}
	body := map[string]any{"name": want.Name}
	if want.Device != "" {
		body["device"] = want.Device
	}
	if len(want.Subscribe) > 0 {
		body["subscribe"] = want.Subscribe
	}
	if len(want.Publish) > 0 {
		body["publish"] = want.Publish
	}
	if err := r.record(body); err != nil {
		return NewCredential{}, err
	}
	return call[NewCredential](ctx, c, r)
}

// Credentials lists the logins.
func (c *Client) Credentials(ctx context.Context) ([]spec.Credential, error) {
	l, err := get[list[spec.Credential]](ctx, c, "list credentials", "", nil, "v1", "credentials")
	return l.Items, err
}

// DeleteCredential revokes a login; clients that use it are disconnected.
func (c *Client) DeleteCredential(ctx context.Context, name spec.Name) error {
	return c.do(ctx, &request{op: "delete credential", on: string(name), method: http.MethodDelete, path: []string{"v1", "credentials", string(name)}})
}
