package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/fail"
)

// Files of the state directory that the server leaves for the CLI.
const (
	URLFile   = "server/url"         // where the API answers
	TokenFile = "server/admin-token" // readable by its owner alone
)

// defaultState is where state goes when nobody says: /var/lib/fescue for root,
// else below XDG_STATE_HOME (XDG Base Directory Specification).
func defaultState(getenv func(string) string, uid int) string {
	if uid == 0 {
		return "/var/lib/fescue"
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "fescue")
	}
	return filepath.Join(getenv("HOME"), ".local", "state", "fescue")
}

// stateDir is the state directory by flag, environment or default.
func (s *session) stateDir() string {
	for _, dir := range []string{s.state, s.Getenv("FESCUE_STATE")} {
		if dir != "" {
			return dir
		}
	}
	return defaultState(s.Getenv, os.Geteuid())
}

// client is a client of the API server that the flags, the environment or the
// state directory name, in that order.
func (s *session) client() (*client.Client, error) {
	url, err := s.setting("address of the API server", s.server, "FESCUE_SERVER", URLFile)
	if err != nil {
		return nil, err
	}
	token, err := s.setting("API token", s.token, "FESCUE_API_TOKEN", TokenFile)
	if err != nil {
		return nil, err
	}
	return client.New(client.Options{BaseURL: url, Token: token})
}

func (s *session) setting(what, flag, variable, file string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if v := s.Getenv(variable); v != "" {
		return v, nil
	}
	path := filepath.Join(s.stateDir(), file)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fail.New(fail.Unavailable, "find the "+what, "no server has run with the state directory %s", s.stateDir()).
			WithHint("start one with 'fescue up', or name one with --server and --token, or another state directory with --state")
	case errors.Is(err, fs.ErrPermission):
		return "", fail.New(fail.Denied, "read the "+what, "%w", err).
			WithHint("only the user who runs the server may read it: run as that user, or give --token")
	case err != nil:
		return "", fail.New(fail.Internal, "read the "+what, "%w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
