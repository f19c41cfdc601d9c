package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"fescue.dev/fescue/fail"
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

// TokenRecord is what is told of a token.
type TokenRecord struct {
	Token
	CreatedAt, LastUsedAt, ExpiresAt time.Time // zero: never
}

// tokensOfPeople is a prefix of the names of those that people made.
const tokensOfPeople = "token/"

// CreateToken stores a token that somebody made, until expires where that is not zero; fail.Conflict if
// there is one of its name.
func (s *Store) CreateToken(ctx context.Context, name string, role Role, expires time.Time, token string) (r TokenRecord, err error) {
	var until int64
	if !expires.IsZero() {
		until = expires.UnixMicro()
	}
	key := tokensOfPeople + name
	err = s.tx(ctx, "create token", name, []string{key}, func(q querier) error {
		if _, err := q.ExecContext(ctx, `DELETE FROM tokens WHERE name = $1 AND expires_at > 0 AND expires_at <= $2`, key, s.time()); err != nil {
			return err
		}
		var there int
		if err := q.QueryRowContext(ctx, `SELECT count(*) FROM tokens WHERE name = $1`, key).Scan(&there); err != nil {
			return err
		}
		if there > 0 {
			return fail.New(fail.Conflict, "create token", "there is a token of this name").On(name).
				WithHint("Choose another name, or revoke that one first: 'fescue delete token %s'.", name)
		}
		at := s.time()
		r = TokenRecord{Token: Token{Name: name, Role: role}, CreatedAt: timeOf(at), ExpiresAt: timeOf(until)}
		_, err := q.ExecContext(ctx, `INSERT INTO tokens (hash, name, role, device_id, created_at, expires_at) VALUES ($1, $2, $3, '', $4, $5)`,
			HashToken(token), key, role, at, until)
		return err
	})
	return r, err
}

// Tokens are those that people made, by name, those that have expired too.
func (s *Store) Tokens(ctx context.Context) ([]TokenRecord, error) {
	list, err := query(ctx, s.db, func(row rowScanner) (r TokenRecord, err error) {
		var created, used, expires int64
		err = row.Scan(&r.Name, &r.Role, &created, &used, &expires)
		r.Name = strings.TrimPrefix(r.Name, tokensOfPeople)
		r.CreatedAt, r.LastUsedAt, r.ExpiresAt = timeOf(created), timeOf(used), timeOf(expires)
		return r, err
	}, `SELECT name, role, created_at, last_used_at, expires_at FROM tokens WHERE name LIKE $1 AND name NOT LIKE $2 ORDER BY name`,
		tokensOfPeople+"%", "%"+sessionMark+"%")
	return list, s.explain(err, "list tokens", "")
}

// RevokeToken deletes a token that somebody made, and ends its sessions; fail.NotFound if there is none.
func (s *Store) RevokeToken(ctx context.Context, name string) error {
	key := tokensOfPeople + name
	return s.tx(ctx, "revoke token", name, nil, func(q querier) error {
		done, err := q.ExecContext(ctx, `DELETE FROM tokens WHERE name = $1`, key)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fail.New(fail.NotFound, "revoke token", "there is no such token").On(name).WithHint("'fescue get tokens' lists them."))
		}
		return endSessions(ctx, q, key)
	})
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
