package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

var errEnough = errors.New("enough")

// happen lets events from one device happen.
func (w *world) happen(t *testing.T, device spec.DeviceID, from, to uint64, e spec.Event) {
	t.Helper()
	for n := from; n <= to; n++ {
		e.Device, e.Sequence, e.Time = device, n, time.Now()
		if e.Kind == "" {
			e.Kind = spec.EventDevice
		}
		if err := w.fleet.Ingest(context.Background(), []spec.Event{e}); err != nil {
			t.Error(err)
			return
		}
	}
}

// Watchers that come at any moment while four devices report at once see every
// event from the first on, in order, once; so do those whose connection is cut
// over and over.
func TestNoGapNoDuplicate(t *testing.T) {
	w := newWorld(t, nil)
	const devices, each, watchers = 4, 60, 6
	var reporters, watching sync.WaitGroup
	for d := range devices {
		reporters.Go(func() { w.happen(t, spec.DeviceID(fmt.Sprint("device-", d)), 1, each, spec.Event{}) })
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for i := range watchers {
		watching.Go(func() {
			var seen, cuts int64
			for seen < devices*each && ctx.Err() == nil {
				connection, cut := context.WithCancel(ctx)
				err := w.api.Events(connection, seen, func(e client.StoredEvent) error {
					if e.ID != seen+1 {
						return fmt.Errorf("watcher %d: event %d came after %d", i, e.ID, seen)
					}
					if seen = e.ID; seen == devices*each {
						return errEnough
					}
					if i%2 == 1 && seen%17 == 0 { // an odd watcher loses its connection
						cuts++
						cut()
					}
					return nil
				})
				cut()
				if err != nil && !errors.Is(err, errEnough) && !fail.Is(err, fail.Canceled) {
					t.Error(err)
					return
				}
			}
			if seen != devices*each {
				t.Errorf("watcher %d saw %d of %d events, %d cuts", i, seen, devices*each, cuts)
			}
		})
	}
	reporters.Wait()
	watching.Wait()
}

// The server ends and another comes on the same port: a client's watch goes on.
func TestWatchSurvivesRestart(t *testing.T) {
	w := newWorld(t, nil)
	w.happen(t, kitchen, 1, 3, spec.Event{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var seen atomic.Int64
	ended := make(chan error, 1)
	go func() {
		ended <- w.api.Events(ctx, 0, func(e client.StoredEvent) error {
			if !seen.CompareAndSwap(e.ID-1, e.ID) {
				return fmt.Errorf("event %d came after %d", e.ID, seen.Load())
			}
			if e.ID == 6 {
				return errEnough
			}
			return nil
		})
	}()
	eventually(t, "three events were seen", func() bool { return seen.Load() == 3 })
	address := strings.TrimPrefix(w.url, "http://")
	begun := time.Now()
	w.stop()
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("the server took %v to end with a stream open", took)
	}
	w.happen(t, kitchen, 4, 6, spec.Event{})
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	again := New(w.server.Options)
	running, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- again.Run(running, ln) }()
	if err := <-ended; !errors.Is(err, errEnough) {
		t.Error(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestEventsAsJSON(t *testing.T) {
	w := newWorld(t, nil)
	w.happen(t, kitchen, 1, 5, spec.Event{Message: "hello"})
	w.happen(t, "attic", 1, 2, spec.Event{})
	for path, ids := range map[string][]int64{
		"/v1/events":                                  {1, 2, 3, 4, 5, 6, 7},
		"/v1/events?after=5":                          {6, 7},
		"/v1/events?limit=2":                          {1, 2},
		"/v1/events?device=attic":                     {6, 7},
		"/v1/events?after=7":                          {},
		"/v1/events?application=x":                    {},
		"/v1/events?tail=2":                           {6, 7},
		"/v1/events?tail=2&device=" + string(kitchen): {4, 5},
	} {
		var list EventList
		w.decode(t, path, &list)
		got := []int64{}
		for _, e := range list.Items {
			got = append(got, e.ID)
		}
		if list.Items == nil || fmt.Sprint(got) != fmt.Sprint(ids) {
			t.Errorf("%s: %v, want %v", path, got, ids)
		}
	}
	w.ask(t, http.MethodGet, "/v1/events", nil, "Accept", eventStream, "Last-Event-ID", "x").wantProblem(t, "invalid")
}

// A stream may begin near the end of a long history.
func TestStreamFromTheNewest(t *testing.T) {
	w := newWorld(t, nil)
	w.happen(t, kitchen, 1, 5, spec.Event{})
	lines, end := w.rawStream(t, "/v1/events?tail=1")
	defer end()
	for lines.Scan() {
		if id, is := strings.CutPrefix(lines.Text(), "id: "); is {
			if id != "5" {
				t.Errorf("the first event is %s, want 5", id)
			}
			return
		}
	}
	t.Errorf("the stream ended: %v", lines.Err())
}

// rawStream opens a stream and returns its lines.
func (w *world) rawStream(t *testing.T, path string) (*bufio.Scanner, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+w.token)
	q.Header.Set("Accept", "text/html, text/event-stream;q=0.9")
	r, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	if kind := r.Header.Get("Content-Type"); kind != eventStream {
		t.Fatalf("%s: %s", path, kind)
	}
	return bufio.NewScanner(r.Body), func() { cancel(); _ = r.Body.Close() }
}

func TestHeartbeat(t *testing.T) {
	w := newWorld(t, nil)
	w.server.timing.heartbeat, w.server.timing.look = 20*time.Millisecond, 10*time.Millisecond
	text, done := w.rawStream(t, "/v1/events")
	defer done()
	beats := 0
	for text.Scan() {
		if text.Text() == ": alive" {
			if beats++; beats == 3 {
				return
			}
		}
	}
	t.Errorf("%d heartbeats, then %v", beats, text.Err())
}

// A client that opens a stream and never reads costs no memory and is cut off; it
// holds up neither events nor other watchers.
func TestSlowClient(t *testing.T) {
	w := newWorld(t, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nAccept: text/event-stream\r\n\r\n", w.token)
	if _, err := bufio.NewReaderSize(conn, 16).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	message := strings.Repeat("x", 32<<10)
	w.happen(t, kitchen, 1, 50, spec.Event{Message: message})
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const events = 600 // 19 MB, far more than a socket holds
	w.happen(t, kitchen, 51, events, spec.Event{Message: message})
	seen := int64(0)
	err = w.api.Events(t.Context(), 0, func(e client.StoredEvent) error {
		if seen = e.ID; seen == events {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Errorf("another watcher saw %d: %v", seen, err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 12<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

func TestDeploymentIsFollowedToItsEnd(t *testing.T) {
	w := newWorld(t, nil)
	w.register(t)
	d := w.deploy(t)
	steps := []spec.Event{
		{Kind: spec.EventStep, Step: spec.StepFetch, Status: string(spec.StepStarted)},
		{Kind: spec.EventStep, Step: spec.StepFetch, Status: string(spec.StepSucceeded)},
		{Kind: spec.EventDeployment, Status: string(spec.DeploymentSucceeded)},
	}
	var got []string
	begun := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- w.api.DeploymentEvents(t.Context(), d.ID, func(e spec.Event) error {
			if len(got) == 0 {
				close(begun)
			}
			got = append(got, e.Status)
			return nil
		})
	}()
	for i, e := range steps {
		e.Application, e.Version, e.Deployment = d.Name, d.Version, d.ID
		w.happen(t, kitchen, uint64(i+1), uint64(i+1), e)
		<-begun
	}
	if err := <-ended; err != nil || fmt.Sprint(got) != "[started succeeded succeeded]" {
		t.Errorf("saw %v, %v", got, err)
	}
	now, err := w.api.Deployment(t.Context(), d.ID)
	if err != nil || now.Status != spec.DeploymentSucceeded {
		t.Errorf("%+v, %v", now, err)
	}
	history, err := w.api.DeploymentHistory(t.Context(), d.ID)
	if err != nil || len(history) != 3 {
		t.Errorf("%+v, %v", history, err)
	}
	// One that has ended already: its events, and the end.
	n := 0
	if err := w.api.DeploymentEvents(t.Context(), d.ID, func(spec.Event) error { n++; return nil }); err != nil || n != 3 {
		t.Errorf("saw %d, %v", n, err)
	}
	err = w.api.DeploymentEvents(t.Context(), 99, func(spec.Event) error { return nil })
	wantKind(t, err, fail.NotFound)
	_, err = w.api.CancelDeployment(t.Context(), d.ID)
	wantKind(t, err, fail.Conflict)
}

// A deployment that is cancelled, or superseded, without any event of a device
// ends its watchers too.
func TestWatchEndsWithoutEvents(t *testing.T) {
	w := newWorld(t, nil)
	w.server.timing.look = 50 * time.Millisecond
	w.register(t)
	for name, end := range map[string]func(spec.DeploymentID) error{
		"cancel":    func(id spec.DeploymentID) error { _, err := w.api.CancelDeployment(t.Context(), id); return err },
		"supersede": func(spec.DeploymentID) error { _ = w.deploy(t); return nil },
	} {
		d := w.deploy(t)
		text, done := w.rawStream(t, fmt.Sprintf("/v1/deployments/%d/events", d.ID))
		if err := end(d.ID); err != nil {
			t.Fatal(err)
		}
		var last spec.Deployment
		kind := ""
		for text.Scan() {
			if k, ok := strings.CutPrefix(text.Text(), "event: "); ok {
				kind = k
			}
			if data, ok := strings.CutPrefix(text.Text(), "data: "); ok && kind == "end" {
				if err := json.Unmarshal([]byte(data), &last); err != nil {
					t.Error(err)
				}
			}
		}
		done()
		if kind != "end" || !last.Status.Final() || last.ID != d.ID {
			t.Errorf("%s: the last event was %q, %+v", name, kind, last)
		}
	}
}
