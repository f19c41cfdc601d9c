package test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// post sends a body of which nothing is known beforehand, with the gateway's token.
func (m *machine) post(ctx context.Context, path string, body io.Reader) (int, string, error) {
	m.t.Helper()
	q, err := http.NewRequestWithContext(ctx, "POST", m.gateway()+path, struct{ io.Reader }{body})
	if err != nil {
		m.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+strings.TrimSpace(readFile(m.t, filepath.Join(m.state, "device/gateway/token"))))
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return r.StatusCode, string(text), err
}

const streamPython = `
import hashlib, os
def handle(body, context):
    try:
        return read(body, context)
    except OSError as e:
        print(e)
        raise

def read(body, context):
    h, n = hashlib.sha256(), 0
    while part := body.read(1 << 16):
        if n == 0:
            open(os.environ["FESCUE_DATA"] + "/began", "w").close()
        h.update(part); n += len(part)
    return {"sha256": h.hexdigest(), "size": n}
`

const streamNode = `
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
export const handle = (body, context) => read(body, context).catch((e) => { console.log(e.message); throw e; });
async function read(body, context) {
  const h = createHash('sha256');
  let n = 0;
  for await (const part of body) {
    if (n === 0) writeFileSync(process.env.FESCUE_DATA + '/began', '');
    h.update(part);
    n += part.length;
  }
  return { sha256: h.digest('hex'), size: n };
}
`

// A body is read while it comes, in Python and in Node: a part of it has been handled before the rest is sent. One
// that is cut off is an error of the handler.
func TestStreamedBodies(t *testing.T) {
	m := newMachine(t)
	languages := map[string]string{"python": "f.py", "node": "f.mjs"}
	code := map[string]string{"python": streamPython, "node": streamNode}
	for runtime, file := range languages {
		m.must("deploy", m.application(map[string]string{
			"fescue.yaml": "name: stream-" + runtime + "\nversion: 1.0.0\nruntime: " + runtime + "\nhandler: f.handle\n" +
				"triggers:\n  - http: POST /" + runtime + "\n    body: stream\n    timeout: 60s\n",
			file: code[runtime],
		}))
	}
	large := bytes.Repeat([]byte("0123456789abcdef"), 2<<20/16)
	for runtime := range languages {
		t.Run(runtime, func(part *testing.T) {
			m.t = part
			defer func() { m.t = t }()
			read, write := io.Pipe()
			type answer struct {
				status int
				text   string
				err    error
			}
			answered := make(chan answer, 1)
			go func() {
				status, text, err := m.post(context.Background(), "/"+runtime, read)
				answered <- answer{status, text, err}
			}()
			go func() { _, _ = write.Write(large) }()
			m.eventually("the handler has a part", func() error { // before the rest is sent
				_, err := os.Stat(filepath.Join(m.state, "device/apps/stream-"+runtime+"/data/began"))
				return err
			})
			go func() {
				_, _ = write.Write(large) // after the first: a pipe's writers take turns
				_ = write.Close()
			}()
			a := <-answered
			want := fmt.Sprintf("%x", sha256.Sum256(append(append([]byte{}, large...), large...)))
			if a.err != nil || a.status != 200 || !strings.Contains(a.text, want) {
				part.Errorf("%d %s, %v; want %s", a.status, a.text, a.err, want)
			}

			// Cut off in the middle.
			ctx, leave := context.WithCancel(context.Background())
			read, write = io.Pipe()
			go func() {
				_, _ = write.Write(large)
				leave()
				_ = write.CloseWithError(context.Canceled)
			}()
			if status, text, err := m.post(ctx, "/"+runtime, read); err == nil {
				part.Errorf("cut off: %d %s", status, text)
			}
			m.eventually("the handler is told that it was cut off", func() error {
				return contains(m.must("logs", "stream-"+runtime), "body was cut off")
			})
		})
	}
}

// A worker that dies in the middle of an upload: its caller is told at once, the next request is answered, and nothing is left.
func TestDeathInUpload(t *testing.T) {
	m := newMachine(t)
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: mortal\nversion: 1.0.0\nruntime: python\nhandler: f.handle\ntriggers:\n  - http: POST /mortal\n    body: stream\n    timeout: 1h\n",
		"f.py": "import os\ndef handle(body, context):\n    text = body.read(4)\n    if text == b'die ':\n        os._exit(9)\n" +
			"    return text + body.read()\n",
	}))
	read, write := io.Pipe()
	defer write.Close() //nolint:errcheck // the rest never comes
	go func() { _, _ = write.Write([]byte("die soon")) }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	status, text, err := m.post(ctx, "/mortal", read)
	if err != nil || status != http.StatusBadGateway || !strings.Contains(text, "status 9") {
		t.Errorf("%d %s, %v", status, text, err)
	}
	for range 3 {
		if status, text, err := m.post(ctx, "/mortal", strings.NewReader("live on")); err != nil || status != 200 || text != "live on" {
			t.Errorf("the next: %d %s, %v", status, text, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(m.state, "device/apps/mortal/data/requests/*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// A result is posted to where the configuration says, also when the agent was killed before it was taken.
func TestCallback(t *testing.T) {
	var open atomic.Bool
	taken := make(chan string, 16)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		text, _ := io.ReadAll(q.Body)
		if !open.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			taken <- "refused"
			return
		}
		taken <- q.Header.Get("Fescue-Status") + " " + string(text)
	}))
	defer receiver.Close()
	m := newMachine(t)
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: jobs\nversion: 1.0.0\nruntime: python\nhandler: f.handle\ntriggers:\n  - http: POST /jobs\n    async: true\n    callback: {url: '" + receiver.URL + "'}\n",
		"f.py":        "def handle(event, context):\n    return {'sum': sum(event)}\n",
	}))
	if status, body, _ := m.http("POST", "/jobs", "[1, 2]"); status != 202 {
		t.Fatalf("%d %s", status, body)
	}
	next := func() string {
		select {
		case text := <-taken:
			return text
		case <-time.After(patience):
			t.Fatal("nothing was posted in time")
			return ""
		}
	}
	next()
	m.kill()
	open.Store(true)
	m.start()
	for { // it may have been refused more than once
		if got := next(); got != "refused" {
			if strings.ReplaceAll(got, " ", "") != `200{"sum":3}` {
				t.Errorf("posted %q", got)
			}
			return
		}
	}
}
