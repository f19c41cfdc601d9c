package test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/client"
)

// api is a client of the server that `fescue up` started.
func (f *fescue) api() *client.Client {
	f.t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(f.state, "server", name))
		if err != nil {
			f.t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	c, err := client.New(client.Options{BaseURL: read("url"), Token: read("admin-token")})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// Messages for a board that is away wait, as many as there is room for; the oldest go
// first, and are counted. All that a board does is seen by the monitor.
func TestBoardAway(t *testing.T) {
	t.Parallel() // it waits for the most part
	f := newFescue(t)
	key := f.must("micro", "provision", "shed")
	line := filepath.Join(t.TempDir(), "line")
	f.up("--micro", "unix:"+line)
	seen := f.monitor("shed")
	flash := filepath.Join(t.TempDir(), "flash")
	start := func() func() {
		agent := agentProcess(t, compilePosix(t), flash, nil, "--id", "shed", "--key", key, "unix:"+line)
		return func() { _ = agent.Process.Kill(); _ = agent.Wait() }
	}
	stop := start()
	f.until("micro/posix", "get", "devices")
	f.must("deploy", application(t, "echo", "1.0.0", "echo", "triggers:\n  - topic: echo/in\n    reply: echo/out\n"), "--device", "shed")
	sees(t, seen, "OFFER", "echo 1.0.0")
	f.must("invoke", "echo", "--device", "shed", "--data", "hello")
	sees(t, seen, "INVOKE", "hello")
	sees(t, seen, "RESULT", "hello")
	stop()
	sees(t, seen, "gone", "")

	const messages, kept = 300, 256
	api := f.api()
	for i := range messages {
		if err := api.Publish(t.Context(), "gateway", "echo/in", fmt.Appendf(nil, "message %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	start()
	// One may be on its way from the queue to the board already.
	first := ""
	for deadline := time.After(patience); first == ""; {
		select {
		case s := <-seen:
			if s.Frame == "RESULT" {
				first = s.Text
			}
		case <-deadline:
			t.Fatal("no message that waited came to the board")
		}
	}
	if dropped := messages - kept; first != fmt.Sprint("message ", dropped) && first != "message 0" {
		t.Errorf("the first message that was handled is %q, not that after the %d dropped ones", first, dropped)
	}
	sees(t, seen, "RESULT", fmt.Sprint("message ", messages-1))
	f.until("events were dropped: 256 wait for the board already", "logs", "echo", "--device", "shed")

	// The server has the figures as of any device.
	calls, dropped := 0.0, 0.0
	for end := time.Now().Add(patience); time.Now().Before(end) && (calls < kept || dropped < messages-kept-1); time.Sleep(time.Second) {
		h, err := api.ApplicationMetrics(t.Context(), "echo", "shed", client.Span{})
		if err != nil {
			t.Fatal(err)
		}
		calls, dropped = 0, 0
		for _, p := range h.Points {
			calls += math.Round(p.Calls * h.Step)
			dropped += math.Round(p.Dropped * h.Step)
		}
	}
	if calls < kept || calls > messages || dropped < messages-kept-1 || dropped > messages-kept+1 {
		t.Errorf("the metrics have %.1f calls and %.1f dropped events", calls, dropped)
	}
}
