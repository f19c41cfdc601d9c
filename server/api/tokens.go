package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// longestToken bounds how long a token that ends may be good for.
const longestToken = 10 * 365 * 24 * time.Hour

// TokenRequest asks for a token.
type TokenRequest struct {
	Name spec.Name `json:"name" doc:"What it is for." example:"backup-script"`
	For  string    `json:"for,omitempty" doc:"How long it is good: 12h, 720h; for ever if left out." example:"720h"`
}

// TokenInfo is what is told of a token.
type TokenInfo struct {
	Name       string    `json:"name"`
	Role       string    `json:"role"`
	CreatedAt  time.Time `json:"createdAt"`
	LastUsedAt time.Time `json:"lastUsedAt,omitzero" doc:"To the minute; missing: never."`
	ExpiresAt  time.Time `json:"expiresAt,omitzero" doc:"Missing: never."`
	Expired    bool      `json:"expired,omitempty"`
}

// NewToken is a token with its secret, which is told this once.
type NewToken struct {
	Info  TokenInfo `json:"info"`
	Token string    `json:"token" doc:"The token. Only its hash is stored: it cannot be shown again."`
}

// TokenList is all tokens that people made.
type TokenList struct {
	Items []TokenInfo `json:"items"`
}

func (s *Server) tokenRoutes() {
	tags := []string{"Tokens"}
	add(s, forAdmin, huma.Operation{
		OperationID: "create-token", Method: http.MethodPost, Path: "/v1/tokens", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make a token for a script, a CI job or another person", Description: "It may do what the admin token may, until it is revoked or its time is over.",
	}, s.createToken)
	add(s, forAdmin, huma.Operation{
		OperationID: "list-tokens", Method: http.MethodGet, Path: "/v1/tokens", Tags: tags, Summary: "List the tokens that were made",
	}, func(ctx context.Context, _ *struct{}) (*one[TokenList], error) {
		records, err := s.Store.Tokens(ctx)
		list := TokenList{Items: []TokenInfo{}}
		for _, r := range records {
			list.Items = append(list.Items, tokenInfoOf(r))
		}
		return &one[TokenList]{list}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "delete-token", Method: http.MethodDelete, Path: "/v1/tokens/{name}", Tags: tags,
		Summary: "Revoke a token; sessions that were opened with it end",
	}, func(ctx context.Context, in *struct{ ByName }) (*struct{}, error) {
		return nil, s.Store.RevokeToken(ctx, string(in.Name))
	})
}

func (s *Server) createToken(ctx context.Context, in *struct{ Body TokenRequest }) (*one[NewToken], error) {
	if err := in.Body.Name.Validate(); err != nil {
		return nil, invalidField("name", err)
	}
	var expires time.Time
	if in.Body.For != "" {
		var d spec.Duration
		if err := d.UnmarshalText([]byte(in.Body.For)); err != nil {
			return nil, invalidField("for", err)
		}
		if d <= 0 || time.Duration(d) > longestToken {
			return nil, invalidField("for", fail.New(fail.Invalid, "", "it is not between 0 and 10 years").WithHint("Leave it out for a token that does not end."))
		}
		expires = time.Now().Add(time.Duration(d))
	}
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // it never returns an error (package crypto/rand)
	token := hex.EncodeToString(random)
	r, err := s.Store.CreateToken(ctx, string(in.Body.Name), store.RoleAdmin, expires, token)
	if err != nil {
		return nil, err
	}
	return &one[NewToken]{NewToken{tokenInfoOf(r), token}}, nil
}

func tokenInfoOf(r store.TokenRecord) TokenInfo {
	return TokenInfo{
		Name: r.Name, Role: string(r.Role), CreatedAt: r.CreatedAt, LastUsedAt: r.LastUsedAt, ExpiresAt: r.ExpiresAt,
		Expired: !r.ExpiresAt.IsZero() && r.ExpiresAt.Before(time.Now()),
	}
}
