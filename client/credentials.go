package client

import (
	"context"
	"net/http"

	"fescue.dev/fescue/spec"
)

// CreateCredential makes a login for an MQTT or NATS client. Its secret is told
// this once.
func (c *Client) CreateCredential(ctx context.Context, want spec.Credential) (spec.Credential, string, error) {
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
		return want, "", err
	}
	made, err := call[struct {
		Credential spec.Credential `json:"credential"`
		Secret     string          `json:"secret"`
	}](ctx, c, r)
	return made.Credential, made.Secret, err
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
