package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"fescue.dev/fescue/spec"
)

// Role is what the bearer of a token may do.
type Role string

// The roles.
const (
	RoleAdmin  Role = "admin"  // everything that the API offers to people
	RoleDevice Role = "device" // what the API offers to one device
)

// Token is a token's record; the token itself is not stored, only its hash.
type Token struct {
	Name   string
	Role   Role
	Device spec.DeviceID // of role device
}

// HashToken is what is stored of a token. Tokens are 256 random bits, so that a
// plain SHA-256 cannot be searched.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// PutToken stores a token in place of all others of its name, whose sessions end.
func (s *Store) PutToken(ctx context.Context, t Token, token string) error {
	return s.tx(ctx, "store token", t.Name, nil, func(q querier) error {
		if _, err := q.ExecContext(ctx, `DELETE FROM tokens WHERE name = $1`, t.Name); err != nil {
			return err
		}
		if err := endSessions(ctx, q, t.Name); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, `INSERT INTO tokens (hash, name, role, device_id, created_at) VALUES ($1, $2, $3, $4, $5)`,
			HashToken(token), t.Name, t.Role, t.Device, s.time())
		return err
	})
}

// FindToken is the record of a token or session; NotFound if there is none, or it has
// ended. It is looked up by hash, so that the time it takes tells nothing about tokens.
func (s *Store) FindToken(ctx context.Context, token string) (t Token, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT name, role, device_id FROM tokens WHERE hash = $1 AND (expires_at = 0 OR expires_at > $2)`,
		HashToken(token), s.time()).Scan(&t.Name, &t.Role, &t.Device)
	return t, s.missing(err, "check token", "", "the token is not known", "The admin token is in the file server/admin-token of the state directory.")
}

// UseToken notes that a token was used.
func (s *Store) UseToken(ctx context.Context, name string, at time.Time) error {
	_, err := s.db.ExecContext(ctx, `UPDATE tokens SET last_used_at = $2 WHERE name = $1`, name, at.UnixMicro())
	return s.explain(err, "note token", name)
}

// DeleteToken revokes the token of a name, a session's too, and ends its sessions;
// that there is none is no error.
func (s *Store) DeleteToken(ctx context.Context, name string) error {
	return s.tx(ctx, "revoke token", name, nil, func(q querier) error {
		if _, err := q.ExecContext(ctx, `DELETE FROM tokens WHERE name = $1`, name); err != nil {
			return err
		}
		return endSessions(ctx, q, name)
	})
}
