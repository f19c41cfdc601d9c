package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/server/store"
)

// signIn opens a session and gives its cookie and word.
func (w *world) signIn(t *testing.T) (*http.Cookie, string) {
	t.Helper()
	a := w.ask(t, http.MethodPost, "/v1/session", strings.NewReader(`{"token":"`+w.token+`"}`), "Authorization", "", "Content-Type", "application/json")
	var session Session
	if err := json.Unmarshal(a.text, &session); err != nil || a.StatusCode != http.StatusCreated || session.CSRF == "" || session.Role != "admin" {
		t.Fatalf("sign in: %d %s", a.StatusCode, a.text)
	}
	cookies := a.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies: %v", cookies)
	}
	return cookies[0], session.CSRF
}

func TestSession(t *testing.T) {
	w := newWorld(t, nil)
	c, word := w.signIn(t)
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || time.Until(c.Expires) < time.Hour || c.Secure {
		t.Errorf("the cookie is %v", c)
	}
	if _, port, _ := strings.Cut(strings.TrimPrefix(w.url, "http://"), ":"); c.Name != "fescue-session-"+port {
		t.Errorf("the cookie is called %s: servers on other ports would get it", c.Name)
	}
	with := func(header ...string) []string {
		return append([]string{"Authorization", "", "Cookie", c.Name + "=" + c.Value}, header...)
	}
	if a := w.ask(t, http.MethodGet, "/v1/server", nil, with()...); a.StatusCode != http.StatusOK {
		t.Errorf("reading with a session: %d %s", a.StatusCode, a.text)
	}
	var again Session
	if a := w.ask(t, http.MethodGet, "/v1/session", nil, with()...); json.Unmarshal(a.text, &again) != nil || again.CSRF != word {
		t.Errorf("the session says of itself %s", a.text)
	}

	const change = "/v1/applications/none/stop"
	w.ask(t, http.MethodPost, change, nil, with()...).wantProblem(t, "denied")
	w.ask(t, http.MethodPost, change, nil, with("Fescue-CSRF", "0"+word[1:]+"0")...).wantProblem(t, "denied")
	w.ask(t, http.MethodPost, change, nil, with("Fescue-CSRF", word)...).wantProblem(t, "not-found")
	w.ask(t, http.MethodPost, change, nil, with("Fescue-CSRF", word, "Sec-Fetch-Site", "cross-site")...).wantProblem(t, "denied")

	a := w.ask(t, http.MethodDelete, "/v1/session", nil, with("Fescue-CSRF", word)...)
	if a.StatusCode != http.StatusNoContent || len(a.Cookies()) != 1 || a.Cookies()[0].Value != "" || a.Cookies()[0].Expires.After(time.Now()) {
		t.Errorf("sign out: %d %v", a.StatusCode, a.Cookies())
	}
	w.ask(t, http.MethodGet, "/v1/server", nil, with()...).wantProblem(t, "unauthenticated")
	w.ask(t, http.MethodDelete, "/v1/session", nil).wantProblem(t, "conflict")
}

func TestSessionsAreForPeople(t *testing.T) {
	w := newWorld(t, nil)
	sign := func(token string, header ...string) answer {
		return w.ask(t, http.MethodPost, "/v1/session", strings.NewReader(`{"token":"`+token+`"}`), append(header, "Authorization", "", "Content-Type", "application/json")...)
	}
	sign(w.device).wantProblem(t, "denied")
	sign("nonsense").wantProblem(t, "unauthenticated")
	sign("").wantProblem(t, "unauthenticated")
	if a := sign(w.token, "X-Forwarded-Proto", "https"); len(a.Cookies()) != 1 || !a.Cookies()[0].Secure {
		t.Errorf("behind TLS the cookie is %v", a.Cookies())
	}
}

// A session ends with the token it was opened with.
func TestSessionEndsWithItsToken(t *testing.T) {
	w := newWorld(t, nil)
	c, _ := w.signIn(t)
	if err := w.store.PutToken(t.Context(), store.Token{Name: "admin", Role: store.RoleAdmin}, "another"); err != nil {
		t.Fatal(err)
	}
	w.ask(t, http.MethodGet, "/v1/server", nil, "Authorization", "", "Cookie", c.Name+"="+c.Value).wantProblem(t, "unauthenticated")
}
