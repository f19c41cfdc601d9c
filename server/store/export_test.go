package store

import "context"

// Pragma reads a setting of SQLite on a connection of the store's.
func Pragma(ctx context.Context, s *Store, name string) (value string, err error) {
	err = s.db.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value)
	return value, err
}
