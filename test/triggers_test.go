package test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gateway is where functions of the machine answer HTTP.
func (m *machine) gateway() string {
	m.t.Helper()
	return strings.TrimSpace(readFile(m.t, filepath.Join(m.state, "device/gateway/url")))
}

// http sends a request to a function, with the gateway's token, and gives status and body.
func (m *machine) http(method, path, body string) (int, string, http.Header) {
	m.t.Helper()
	q, err := http.NewRequest(method, m.gateway()+path, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+strings.TrimSpace(readFile(m.t, filepath.Join(m.state, "device/gateway/token"))))
	q.Header.Set("Content-Type", "application/json")
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		m.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return r.StatusCode, string(text), r.Header
}

// A function answers HTTP: with parameters, asynchronously across a kill, from a file; and a route is taken once.
func TestHTTP(t *testing.T) {
	m := newMachine(t)
	const code = `
import json, os, time
def handle(event, context):
    a = context.attributes
    if a.get("httpmethod") == "PUT":
        n = os.path.getsize(a["httpfile"])
        with open(os.path.join(os.environ["FESCUE_DATA"], "copy"), "wb") as f:
            f.write(open(a["httpfile"], "rb").read())
        return {"statusCode": 201, "headers": {"X-Size": str(n)}, "file": "copy"}
    if a.get("httpparameters") == "kind=bad":
        raise ValueError("bad coefficients")
    return {"kind": a["httpparameters"], "sum": sum(event), "type": context.type, "subject": context.subject}
`
	web := func(version, routes string) string {
		return m.application(map[string]string{
			"fescue.yaml": "name: web\nversion: " + version + "\nruntime: python\nhandler: web.handle\ntriggers:\n" + routes, "web.py": code,
		})
	}
	m.must("deploy", web("1.0.0", "  - http: POST /sum/{kind}\n  - http: PUT /file\n    body: file\n  - http: POST /later/{kind}\n    async: true\n    reply: web/later\n"))
	status, body, _ := m.http("POST", "/sum/fast", "[1, 2, 3]")
	if want := `{"kind":"kind=fast","sum":6,"type":"fescue.http.request","subject":"/sum/fast"}`; status != 200 || strings.ReplaceAll(body, `": `, `":`) != strings.ReplaceAll(want, `": `, `":`) && strings.ReplaceAll(body, " ", "") != want {
		t.Errorf("%d %s", status, body)
	}
	if status, body, _ = m.http("POST", "/sum/bad", "[]"); status != 500 || !strings.Contains(body, "bad coefficients") {
		t.Errorf("an exception: %d %s", status, body)
	}
	large := strings.Repeat("0123456789abcdef", 1<<18) // 4 MiB
	status, body, h := m.http("PUT", "/file", large)
	if status != 201 || body != large || h.Get("X-Size") != fmt.Sprint(len(large)) {
		t.Errorf("a large body: %d, %d bytes, %v", status, len(body), h)
	}
	status, _, h = m.http("POST", "/later/slow", "[4, 5]")
	if status != 202 {
		t.Fatalf("asynchronous: %d", status)
	}
	m.kill()
	m.start()
	m.eventually("the result of what was accepted before the kill", func() error {
		status, body, _ := m.http("GET", h.Get("Location"), "")
		if status != 200 || !strings.Contains(strings.ReplaceAll(body, " ", ""), `"sum":9`) {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})

	told := m.tailing("web/later", func() { m.http("POST", "/later/told", "[6]") })
	if !strings.Contains(strings.ReplaceAll(string(told.Payload), " ", ""), `"sum":6`) || told.From != "web" {
		t.Errorf("told %s by %s", told.Payload, told.From)
	}

	thief := m.application(map[string]string{
		"fescue.yaml": "name: thief\nversion: 1.0.0\nruntime: python\nhandler: web.handle\ntriggers:\n  - http: POST /sum/{x}\n", "web.py": code,
	})
	if r := m.cli("deploy", thief); r.status != 1 || !strings.Contains(r.stderr, "another application") {
		t.Errorf("a route that is taken: exit status %d\n%s", r.status, r.stderr)
	}
	m.must("deploy", web("1.1.0", "  - http: POST /other\n"))
	if status, _, _ = m.http("POST", "/sum/fast", "[1]"); status != 404 {
		t.Errorf("a route that the new version has not: %d", status)
	}
	m.must("deploy", thief)
	if info, err := os.Stat(filepath.Join(m.state, "device/gateway/token")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's mode: %v %v", info, err)
	}
}

// By the clock, at its start and its end, and by another function: each causes a call, and says so.
func TestScheduleHooksInvoke(t *testing.T) {
	m := newMachine(t)
	const code = `
def handle(event, context):
    print("called:", context.type, context.subject)
    if context.type == "fescue.invoke":
        return {"doubled": event["n"] * 2}
    return context.type
`
	callee := func(version string) string {
		return m.application(map[string]string{
			"fescue.yaml": "name: callee\nversion: " + version + "\nruntime: python\nhandler: f.handle\ntriggers:\n  - schedule: every 200ms\n    reply: clock/tick\n  - schedule: '* * * * *'\n  - hook: start\n  - hook: stop\n", "f.py": code,
		})
	}
	m.must("deploy", callee("1.0.0"))
	called := func(what string) {
		t.Helper()
		m.eventually(what, func() error { return contains(m.must("logs", "callee"), "called: "+what) })
	}
	called("fescue.start callee")
	called("fescue.schedule every 200ms")
	if heard := m.must("tail", "clock/tick", "--count", "2"); !strings.Contains(heard, "fescue.schedule") {
		t.Errorf("heard %q", heard)
	}
	m.must("deploy", callee("1.1.0"))
	called("fescue.stop callee")

	caller := func(name, grant string) string {
		return m.application(map[string]string{
			"fescue.yaml": "name: " + name + "\nversion: 1.0.0\nruntime: python\nhandler: f.handle\n" + grant,
			"f.py":        "def handle(event, context):\n    return context.invoke('callee', {'n': event['n']})\n",
		})
	}
	m.must("deploy", caller("granted", "resources: {invoke: [callee]}\n"))
	if got := m.must("invoke", "granted", "--data", `{"n": 21}`); !strings.Contains(got, "42") {
		t.Errorf("through another function: %q", got)
	}
	m.must("deploy", caller("notgranted", ""))
	if r := m.cli("invoke", "notgranted", "--data", `{"n": 21}`); r.status == 0 || !strings.Contains(r.stdout+r.stderr, "may not") {
		t.Errorf("without a grant: exit status %d\n%s%s", r.status, r.stdout, r.stderr)
	}
}

// A trigger may say as what its payload comes, whatever it looks like.
func TestPayloadForms(t *testing.T) {
	m := newMachine(t)
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: forms\nversion: 1.0.0\nruntime: python\nhandler: f.handle\ntriggers:\n" +
			"  - {topic: form/none, reply: form/told}\n  - {topic: form/text, payload: text, reply: form/told}\n  - {topic: form/bytes, payload: bytes, reply: form/told}\n" +
			"  - {http: POST /bytes, payload: bytes}\n",
		"f.py": "def handle(event, context):\n    return type(event).__name__\n",
	}))
	for topic, want := range map[string]string{"form/none": "int", "form/text": "str", "form/bytes": "bytes"} {
		if got := m.tailing("form/told", func() { m.must("pub", topic, "42") }); !strings.Contains(string(got.Payload), want) {
			t.Errorf("%s: %s, want %s", topic, got.Payload, want)
		}
	}
	if status, body, _ := m.http("POST", "/bytes", "42"); status != 200 || !strings.Contains(body, "bytes") {
		t.Errorf("%d %s", status, body)
	}
}
