package gateway

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"fescue.dev/fescue/fail"
)

// TokenFile in [Options.Dir] holds the token that routes ask for.
const TokenFile = "token"

type tokenHash [sha256.Size]byte

// ensureToken reads the token, or makes one.
func ensureToken(path string) (tokenHash, error) {
	token, err := ensureSecret(path)
	return sha256.Sum256([]byte(token)), err
}

// ensureSecret reads a secret, or makes one.
func ensureSecret(path string) (string, error) {
	const op = "read the gateway's secret"
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte(rand.Text())
		err = os.WriteFile(path, append(text, '\n'), 0o600)
	}
	if err != nil {
		return "", fail.Wrap(err, fail.Internal, op, path)
	}
	token := strings.TrimSpace(string(text))
	if len(token) < 16 {
		return "", fail.New(fail.Invalid, op, "it has less than 16 characters").On(path).
			WithHint("Write another one, or remove the file: a new one is made at the next start.")
	}
	return token, nil
}

// allowed tells whether a request shows the token. Comparing digests takes no time that
// tells how much was right.
func (g *Gateway) allowed(q *http.Request) bool {
	token, bearer := strings.CutPrefix(q.Header.Get("Authorization"), "Bearer ")
	shown := tokenHash(sha256.Sum256([]byte(strings.TrimSpace(token))))
	return bearer && subtle.ConstantTimeCompare(shown[:], g.token[:]) == 1
}
