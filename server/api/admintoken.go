package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// tokenBytes are the random bytes of a token, which is written in hexadecimal.
const tokenBytes = 32

// EnsureAdminToken returns the admin token that lies in the file, which its
// owner alone can read, and makes one at the first start. If the file and the
// database do not agree (a lost file, a new database), a new token is made and the
// old one is good no longer.
func EnsureAdminToken(ctx context.Context, s *store.Store, path string) (string, error) {
	return ensureToken(ctx, s, store.Token{Name: "admin", Role: store.RoleAdmin}, path)
}

// EnsureDeviceToken is [EnsureAdminToken] for the token of a device.
func EnsureDeviceToken(ctx context.Context, s *store.Store, device spec.DeviceID, path string) (string, error) {
	return ensureToken(ctx, s, store.Token{Name: "device/" + string(device), Role: store.RoleDevice, Device: device}, path)
}

func ensureToken(ctx context.Context, s *store.Store, want store.Token, path string) (string, error) {
	token, err := readToken(path)
	if err != nil {
		return "", err
	}
	if token != "" {
		found, err := s.FindToken(ctx, token)
		if err == nil && found == want {
			return token, nil
		}
		if err != nil && !fail.Is(err, fail.NotFound) {
			return "", err
		}
	}
	return newToken(ctx, s, want, path)
}

// newToken writes the file first: a token in the file that the database does not
// know is replaced at the next start, one in the database that nobody has is of no
// use to anybody.
func newToken(ctx context.Context, s *store.Store, t store.Token, path string) (string, error) {
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // it never returns an error (package crypto/rand)
	token := hex.EncodeToString(random)
	if err := writeToken(path, token); err != nil {
		return "", err
	}
	return token, s.PutToken(ctx, t, token)
}

// readToken reads a token's file, "" if there is none or it holds none. One that
// others can read is a fault: its token may be known.
func readToken(path string) (string, error) {
	const op = "read token"
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fail.Wrap(err, fail.Denied, op, path)
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return "", fail.Wrap(err, fail.Internal, op, path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fail.New(fail.Denied, op, "others than its owner can read it").On(path).
			WithHint("Remove the file: a new token is made at the next start, and the old one is good no longer.")
	}
	text := make([]byte, 4*tokenBytes)
	n, _ := f.Read(text)
	token := strings.TrimSpace(string(text[:n]))
	if raw, err := hex.DecodeString(token); err != nil || len(raw) != tokenBytes {
		return "", nil // what is no token counts as none
	}
	return token, nil
}

// writeToken makes the file appear whole, synced, and readable by its owner alone.
func writeToken(path, token string) error {
	const op = "write token"
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fail.Wrap(err, fail.Internal, op, path)
	}
	return fail.Wrap(durable.Replace(path, []byte(token+"\n")), fail.Internal, op, path)
}
