package client

import (
	"context"
	"net/http"
	"time"

	"fescue.dev/fescue/spec"
)

// TokenInfo is what is told of a token.
type TokenInfo struct {
	Name       string    `json:"name"`
	Role       string    `json:"role"`
	CreatedAt  time.Time `json:"createdAt"`
	LastUsedAt time.Time `json:"lastUsedAt,omitzero"` // to the minute; zero: never
	ExpiresAt  time.Time `json:"expiresAt,omitzero"`  // zero: never
	Expired    bool      `json:"expired,omitempty"`
}

// CreateToken makes a token, good for a while or, with 0, for ever. The token itself is told this once.
func (c *Client) CreateToken(ctx context.Context, name spec.Name, good time.Duration) (TokenInfo, string, error) {
	r := &request{op: "create token", on: string(name), method: http.MethodPost, path: []string{"v1", "tokens"}}
	body := map[string]any{"name": name}
	if good != 0 {
		body["for"] = spec.Duration(good)
	}
	if err := r.record(body); err != nil {
		return TokenInfo{}, "", err
	}
	made, err := call[struct {
		Info  TokenInfo `json:"info"`
		Token string    `json:"token"`
	}](ctx, c, r)
	return made.Info, made.Token, err
}

// Tokens lists the tokens that were made.
func (c *Client) Tokens(ctx context.Context) ([]TokenInfo, error) {
	l, err := get[list[TokenInfo]](ctx, c, "list tokens", "", nil, "v1", "tokens")
	return l.Items, err
}

// DeleteToken revokes a token; sessions that were opened with it end.
func (c *Client) DeleteToken(ctx context.Context, name spec.Name) error {
	return c.do(ctx, &request{op: "delete token", on: string(name), method: http.MethodDelete, path: []string{"v1", "tokens", string(name)}})
}
