package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/spec"
)

// playLogs makes the device kitchen answer with one past line of an application and
// those that come through more; it returns what takes the device away.
func (w *world) playLogs(t *testing.T, more <-chan string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	end, err := fabric.ServeStream(ctx, w.control, kitchen, fabric.VerbLogs, func(_ context.Context, c fabric.LogsCall) (fabric.Feed[spec.LogLine], error) {
		return func(ctx context.Context, out *fabric.Outlet[spec.LogLine]) error {
			line := func(text string) spec.LogLine {
				return spec.LogLine{Time: time.Now(), Application: c.Application, Stream: spec.StreamOut, Text: text}
			}
			if c.Tail > 0 {
				if err := out.Send(ctx, line("past of "+string(c.Application))); err != nil {
					return err
				}
			}
			for {
				select {
				case text := <-more:
					if err := out.Send(ctx, line(text)); err != nil {
						return err
					}
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() { end(); cancel() }
}

// nextLine reads on to the next line of output.
func nextLine(t *testing.T, lines *bufio.Scanner) DeviceLogLine {
	t.Helper()
	for lines.Scan() {
		if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
			var l DeviceLogLine
			if err := json.Unmarshal([]byte(data), &l); err != nil {
				t.Fatal(err)
			}
			return l
		}
	}
	t.Fatalf("the stream ended: %v", lines.Err())
	return DeviceLogLine{}
}

// The stream takes in what is deployed while it is open, and goes on by itself when
// a device that was away is back.
func TestManyLogs(t *testing.T) {
	w := newWorld(t, nil)
	w.server.timing.look = 20 * time.Millisecond
	w.register(t)
	more := make(chan string)
	away := w.playLogs(t, more)
	lines, end := w.rawStream(t, "/v1/logs?tail=10")
	defer end()
	w.deploy(t)
	if l := nextLine(t, lines); l.Text != "past of hello" || l.Device != kitchen || l.Application != "hello" {
		t.Errorf("the first line is %+v", l)
	}
	more <- "now"
	if l := nextLine(t, lines); l.Text != "now" {
		t.Errorf("then comes %+v", l)
	}
	away()
	back := w.playLogs(t, more)
	defer back()
	more <- "again" // taken once the stream has joined again
	if l := nextLine(t, lines); l.Text != "again" {
		t.Errorf("after the device was away comes %+v", l)
	}
}

func TestManyLogsChoose(t *testing.T) {
	w := newWorld(t, nil)
	w.server.timing.look = 20 * time.Millisecond
	w.register(t)
	w.deploy(t)
	more := make(chan string)
	defer w.playLogs(t, more)()
	for path, want := range map[string]bool{"?application=hello": true, "?device=kitchen&application=hello": true, "?device=attic": false, "?application=other": false} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/logs"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+w.token)
		q.Header.Set("Accept", eventStream)
		r, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(q)
		if err != nil {
			t.Fatal(err)
		}
		got := false
		for lines := bufio.NewScanner(r.Body); !got && lines.Scan(); {
			got = strings.HasPrefix(lines.Text(), "event: log")
		}
		cancel()
		_ = r.Body.Close()
		if got != want {
			t.Errorf("%s: lines %v, want %v", path, got, want)
		}
	}
	w.ask(t, http.MethodGet, "/v1/logs", nil, "Accept", eventStream, "Last-Event-ID", "x").wantProblem(t, "invalid")
}

// Of more outputs than one stream follows, those of devices that are there come first.
func TestManyLogsLimited(t *testing.T) {
	w := newWorld(t, nil)
	w.server.timing.look = 20 * time.Millisecond
	w.register(t)
	first := w.deploy(t)
	defer w.playLogs(t, nil)()
	hello, err := w.server.Store.Version(t.Context(), first.Name, first.Version)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.server.Store.PutDevice(t.Context(), spec.Device{ID: "attic"}); err != nil {
		t.Fatal(err)
	}
	for i := range maxLogSources + 6 {
		other := hello.Configuration
		other.Name = spec.Name(fmt.Sprintf("other-%d", i))
		if _, _, err := w.server.Store.CreateVersion(t.Context(), &other, "", hello.Artifact); err != nil {
			t.Fatal(err)
		}
		if _, err := w.server.Store.CreateDeployment(t.Context(), other.Name, other.Version, []spec.DeviceID{"attic"}); err != nil {
			t.Fatal(err)
		}
	}
	lines, end := w.rawStream(t, "/v1/logs?tail=10")
	defer end()
	var l LimitedLogs
	for l.Outputs == 0 && lines.Scan() {
		if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
			if err := json.Unmarshal([]byte(data), &l); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want := (LimitedLogs{Outputs: maxLogSources + 7, Followed: maxLogSources}); l != want {
		t.Errorf("the stream says %+v, want %+v", l, want)
	}
	if l := nextLine(t, lines); l.Text != "past of hello" {
		t.Errorf("then comes %+v", l)
	}
}
