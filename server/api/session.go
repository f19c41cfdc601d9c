package api

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
)

// A browser should not keep a token where a script could read it. It exchanges it
// for a session: a secret in a cookie that scripts do not see and that other sites
// do not make the browser send. What changes something must bring a word along that
// only the console's own script knows, so that a cookie alone changes nothing.

const (
	// sessionTime is how long a session is good for.
	sessionTime = 7 * 24 * time.Hour
	// csrfHeader carries the word.
	csrfHeader = "Fescue-CSRF"
)

// SessionRequest opens a session.
type SessionRequest struct {
	Token string `json:"token" doc:"A token for people, such as the one in the file server/admin-token." maxLength:"500"`
}

// Session is what the console knows of its session.
type Session struct {
	Role string `json:"role" doc:"What its bearer may do."`
	CSRF string `json:"csrf" doc:"The value of the header Fescue-CSRF, which requests with the session's cookie need to change something; empty if the request came with a token."`
}

type sessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Session
}

type sessionEnd struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *Server) sessionRoutes() {
	tags := []string{"Session"}
	add(s, "", huma.Operation{
		OperationID: "create-session", Method: http.MethodPost, Path: "/v1/session", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Exchange a token for a session in a cookie",
		Description: "For browsers. The cookie is good for a week, for this server's origin alone, and cannot be read by scripts; " +
			"with it, requests that change something need the header `Fescue-CSRF` with the value answered here.",
	}, s.createSession)
	add(s, forAdmin, huma.Operation{
		OperationID: "get-session", Method: http.MethodGet, Path: "/v1/session", Tags: tags, Summary: "Tell who asks",
	}, func(ctx context.Context, x *struct{ Exchanged }) (*one[Session], error) {
		return &one[Session]{sessionOf(principal(ctx), cookieSecret(x.r))}, nil
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "delete-session", Method: http.MethodDelete, Path: "/v1/session", Tags: tags, Summary: "End the session that asks",
	}, s.deleteSession)
}

func (s *Server) createSession(ctx context.Context, in *struct {
	Exchanged
	Body SessionRequest
},
) (*sessionOutput, error) {
	const op = "open session"
	t, err := s.Store.FindToken(ctx, in.Body.Token)
	if fail.Is(err, fail.NotFound) {
		return nil, fail.New(fail.Unauthenticated, op, "the token is not known").WithHint("%s", fail.HintOf(err))
	}
	if err != nil {
		return nil, err
	}
	if t.Role == store.RoleDevice {
		return nil, fail.New(fail.Denied, op, "it is the token of a device").WithHint("Use a token for people, such as the one in the file server/admin-token.")
	}
	secret, id := rand.Text(), rand.Text()
	until := time.Now().Add(sessionTime)
	if t, err = s.Store.PutSession(ctx, t, id, secret, until); err != nil {
		return nil, err
	}
	return &sessionOutput{SetCookie: cookie(in.r, secret, until), Body: sessionOf(t, secret)}, nil
}

func (s *Server) deleteSession(ctx context.Context, in *struct{ Exchanged }) (*sessionEnd, error) {
	if cookieSecret(in.r) == "" {
		return nil, fail.New(fail.Conflict, "end session", "the request came with a token, not with a session").WithHint("A token stays good until it is revoked.")
	}
	return &sessionEnd{cookie(in.r, "", time.Unix(1, 0))}, s.Store.DeleteToken(ctx, principal(ctx).Name)
}

// sessionOf tells of a session. Its word is made of its secret, so that nothing more
// need be stored.
func sessionOf(t store.Token, secret string) Session {
	return Session{Role: string(t.Role), CSRF: csrfWord(secret)}
}

func csrfWord(secret string) string {
	if secret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(csrfHeader))
	return hex.EncodeToString(mac.Sum(nil))
}

// cookieName has the port in it, because browsers keep one set of cookies for all
// the ports of a host: two servers on one machine would end each other's sessions.
func cookieName(r *http.Request) string {
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		return "fescue-session-" + port
	}
	return "fescue-session"
}

func cookie(r *http.Request, secret string, until time.Time) http.Cookie {
	return http.Cookie{
		Name: cookieName(r), Value: secret, Path: "/", Expires: until,
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}

// cookieSecret is the session's secret that came with a request, "" if a token came.
func cookieSecret(r *http.Request) string {
	if r.Header.Get("Authorization") != "" {
		return ""
	}
	c, err := r.Cookie(cookieName(r))
	if err != nil {
		return ""
	}
	return c.Value
}

// checkCSRF lets what changes nothing pass, and otherwise wants the session's word.
func checkCSRF(r *http.Request, secret string) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if !hmac.Equal([]byte(r.Header.Get(csrfHeader)), []byte(csrfWord(secret))) {
		return fail.New(fail.Denied, "authenticate", "the session's cookie alone changes nothing").
			WithHint("Send the header %s with the value of GET /v1/session; programs send a token instead.", csrfHeader)
	}
	return nil
}
