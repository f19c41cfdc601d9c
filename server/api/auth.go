package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// access says who may use an operation.
type access string

const (
	forAdmin  access = "admin"
	forDevice access = "device"
	forEither access = "admin or device"
)

func (a access) allows(r store.Role) bool {
	return a == forEither || string(a) == string(r)
}

// accessKey is where an operation keeps its access, among huma's metadata.
const accessKey = "fescue-access"

// principalKey is where a request's context keeps who asks.
type principalKey struct{}

// principal is who asks: the record of the token that came with the request.
func principal(ctx context.Context) store.Token {
	t, _ := ctx.Value(principalKey{}).(store.Token)
	return t
}

// tokenUse is how often the use of a token is noted.
const tokenUse = time.Minute

// authenticator tells by its credentials who sends a request: a bearer token, or
// the console's session (see session.go). What page a request comes from is checked
// in guard.go.
type authenticator struct {
	store *store.Store

	mu    sync.Mutex
	noted map[string]time.Time // by token name
}

func (a *authenticator) identify(r *http.Request) (store.Token, error) {
	const op = "authenticate"
	if secret := cookieSecret(r); secret != "" {
		return a.session(r, secret)
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if token == "" {
		return store.Token{}, fail.New(fail.Unauthenticated, op, "the request has no token").
			WithHint("Send 'Authorization: Bearer TOKEN'; the admin token is in the file server/admin-token of the state directory.")
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return store.Token{}, fail.New(fail.Unauthenticated, op, "only bearer tokens are taken").WithHint("Send 'Authorization: Bearer TOKEN'.")
	}
	t, err := a.store.FindToken(r.Context(), token)
	if fail.Is(err, fail.NotFound) {
		return t, fail.New(fail.Unauthenticated, op, "the token is not known").WithHint("%s", fail.HintOf(err))
	}
	if err != nil {
		return t, err
	}
	a.note(r.Context(), t.Name)
	return t, nil
}

func (a *authenticator) session(r *http.Request, secret string) (store.Token, error) {
	t, err := a.store.FindToken(r.Context(), secret)
	if fail.Is(err, fail.NotFound) {
		return t, fail.New(fail.Unauthenticated, "authenticate", "the session has ended").WithHint("Sign in again.")
	}
	if err != nil {
		return t, err
	}
	if err := checkCSRF(r, secret); err != nil {
		return t, err
	}
	a.note(r.Context(), t.Name)
	return t, nil
}

// note stores that the token was used, at most once in tokenUse. That it cannot
// be stored is no reason to refuse the request.
func (a *authenticator) note(ctx context.Context, name string) {
	now := time.Now()
	a.mu.Lock()
	due := now.Sub(a.noted[name]) >= tokenUse
	if due {
		a.noted[name] = now
	}
	a.mu.Unlock()
	if due {
		_ = a.store.UseToken(ctx, name, now)
	}
}

// authorise lets a request pass to its operation, or answers why not. It comes
// before anything of the body is read.
func (s *Server) authorise(ctx huma.Context, next func(huma.Context)) {
	allowed, guarded := ctx.Operation().Metadata[accessKey].(access)
	if !guarded {
		next(ctx)
		return
	}
	r, w := unwrap(ctx)
	who, err := s.auth.identify(r)
	if err != nil {
		if fail.Is(err, fail.Unauthenticated) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="fescue"`)
		}
		writeProblem(w, problemOf(err))
		return
	}
	if !allowed.allows(who.Role) {
		writeProblem(w, problemOf(fail.New(fail.Denied, "authorise", "a token of role %s may not do this", who.Role).
			WithHint("Use a token of role %s.", allowed)))
		return
	}
	next(huma.WithValue(ctx, principalKey{}, who))
}

// deviceOf is the device whose token asks.
func deviceOf(ctx context.Context) spec.DeviceID { return principal(ctx).Device }
