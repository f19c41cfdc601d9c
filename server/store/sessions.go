package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// A session is a token that was made from another one and ends by itself, or
// with the token that it was made from. What a browser keeps is such a token, so
// that a stolen one is good for a while only and can be revoked alone.

// sessionMark stands in a session's name between the token's name and the session's.
const sessionMark = "/session/"

// PutSession stores a session of the token of, whose secret is good until then, or
// as long as that is, and forgets sessions and tokens that have ended. It returns the session's record.
func (s *Store) PutSession(ctx context.Context, of Token, id, secret string, until time.Time) (Token, error) {
	session := of
	session.Name += sessionMark + id
	var expires int64 // of the token
	err := s.tx(ctx, "store session", of.Name, nil, func(q querier) error {
		if _, err := q.ExecContext(ctx, `DELETE FROM tokens WHERE expires_at > 0 AND expires_at <= $1`, s.time()); err != nil {
			return err
		}
		ends := until.UnixMicro()
		if err := q.QueryRowContext(ctx, `SELECT expires_at FROM tokens WHERE name = $1`, of.Name).Scan(&expires); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if expires > 0 {
			ends = min(ends, expires)
		}
		_, err := q.ExecContext(ctx, `INSERT INTO tokens (hash, name, role, device_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			HashToken(secret), session.Name, session.Role, session.Device, s.time(), ends)
		return err
	})
	return session, err
}

// endSessions ends every session of the token of this name.
func endSessions(ctx context.Context, q querier, name string) error {
	prefix := name + sessionMark
	_, err := q.ExecContext(ctx, `DELETE FROM tokens WHERE substr(name, 1, $1) = $2`, len([]rune(prefix)), prefix)
	return err
}
