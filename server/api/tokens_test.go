package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
)

// A token that was made is good until it is revoked or its time is over, tells when it was
// used, and takes its sessions with it. It is nowhere but with who made it.
func TestTokens(t *testing.T) {
	w := newWorld(t, nil)
	info, token, err := w.api.CreateToken(t.Context(), "ci", 0)
	if err != nil || len(token) != 64 || info.Name != "ci" || info.Role != "admin" || info.CreatedAt.IsZero() || !info.ExpiresAt.IsZero() {
		t.Fatalf("%+v %q %v", info, token, err)
	}
	if _, _, err := w.api.CreateToken(t.Context(), "ci", 0); !fail.Is(err, fail.Conflict) {
		t.Errorf("the same name again: %v", err)
	}
	if _, _, err := w.api.CreateToken(t.Context(), "past", -time.Hour); !fail.Is(err, fail.Invalid) {
		t.Errorf("a time that is over: %v", err)
	}
	made := w.client(t, token)
	if _, err := made.Server(t.Context()); err != nil {
		t.Errorf("the token is refused: %v", err)
	}
	opened := w.ask(t, http.MethodPost, "/v1/session", strings.NewReader(`{"token": "`+token+`"}`), "Content-Type", "application/json")
	if opened.StatusCode != http.StatusCreated || len(opened.Cookies()) != 1 {
		t.Fatalf("a session: %d %s", opened.StatusCode, opened.text)
	}
	list, err := w.api.Tokens(t.Context())
	if err != nil || len(list) != 1 || list[0].Name != "ci" || list[0].LastUsedAt.IsZero() {
		t.Errorf("%+v %v", list, err)
	}
	if a := w.ask(t, http.MethodGet, "/v1/tokens", nil); strings.Contains(string(a.text), token) || strings.Contains(string(a.text), store.HashToken(token)) {
		t.Errorf("the list tells the token: %s", a.text)
	}
	cookie := opened.Cookies()[0]
	inSession := func() int {
		return w.ask(t, http.MethodGet, "/v1/session", nil, "Authorization", "", "Cookie", cookie.Name+"="+cookie.Value).StatusCode
	}
	if got := inSession(); got != http.StatusOK {
		t.Errorf("in the session: %d", got)
	}
	if err := w.api.DeleteToken(t.Context(), "ci"); err != nil {
		t.Fatal(err)
	}
	if _, err := made.Server(t.Context()); !fail.Is(err, fail.Unauthenticated) {
		t.Errorf("a revoked token: %v", err)
	}
	if got := inSession(); got != http.StatusUnauthorized {
		t.Errorf("in the session of a revoked token: %d", got)
	}
	if err := w.api.DeleteToken(t.Context(), "ci"); !fail.Is(err, fail.NotFound) || fail.HintOf(err) == "" {
		t.Errorf("revoked twice: %v", err)
	}
	_, short, err := w.api.CreateToken(t.Context(), "short", time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond) // its time, which nothing signals
	if _, err := w.client(t, short).Server(t.Context()); !fail.Is(err, fail.Unauthenticated) {
		t.Errorf("an expired token: %v", err)
	}
	if list, err := w.api.Tokens(t.Context()); err != nil || len(list) != 1 || !list[0].Expired {
		t.Errorf("%+v %v", list, err)
	}
}

// Labels that people give outlast what the agent says of itself.
func TestLabels(t *testing.T) {
	w := newWorld(t, nil)
	w.register(t)
	text := func(s string) *string { return &s }
	d, err := w.api.LabelDevice(t.Context(), kitchen, map[string]*string{"room": text("kitchen"), "floor": text("")})
	if err != nil || d.Labels["room"] != "kitchen" || len(d.Labels) != 2 || !d.Connected {
		t.Fatalf("%+v %v", d, err)
	}
	w.register(t) // the agent registers anew, without labels
	if d, err = w.api.LabelDevice(t.Context(), kitchen, map[string]*string{"floor": nil, "never": nil}); err != nil || len(d.Labels) != 1 || d.Labels["room"] != "kitchen" {
		t.Errorf("%+v %v", d, err)
	}
	if _, err := w.api.LabelDevice(t.Context(), kitchen, map[string]*string{"bad name": text("x")}); !fail.Is(err, fail.Invalid) {
		t.Errorf("a bad name: %v", err)
	}
	if _, err := w.api.LabelDevice(t.Context(), "moon", map[string]*string{"a": text("x")}); !fail.Is(err, fail.NotFound) {
		t.Errorf("no such device: %v", err)
	}
}
