package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// The examples of the HTML standard's section on server-sent events, and what else
// a stream may look like.
func TestEventReader(t *testing.T) {
	for what, c := range map[string]struct {
		stream string
		want   []event
		end    error
	}{
		"nothing":            {"", nil, io.EOF},
		"one":                {"data: a\n\n", []event{{data: []byte("a")}}, io.EOF},
		"lines":              {"data: YHOO\ndata: +2\ndata: 10\n\n", []event{{data: []byte("YHOO\n+2\n10")}}, io.EOF},
		"comments and ids":   {": test\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n", []event{{id: "1", data: []byte("first")}, {data: []byte("second")}, {data: []byte(" third")}}, io.EOF},
		"empty data":         {"data\n\ndata\ndata\n\n", []event{{data: []byte("")}, {data: []byte("\n")}}, io.EOF},
		"kinds":              {"event: add\ndata: 1\n\nevent: gone\n\ndata: 2\n\n", []event{{kind: "add", data: []byte("1")}, {data: []byte("2")}}, io.EOF},
		"carriage returns":   {"data: a\r\nid: 7\r\n\r\n", []event{{id: "7", data: []byte("a")}}, io.EOF},
		"cut in an event":    {"data: a\n\ndata: b\n", []event{{data: []byte("a")}}, io.ErrUnexpectedEOF},
		"cut in a heartbeat": {"data: a\n\n: still he", []event{{data: []byte("a")}}, io.EOF},
		"unknown fields":     {"retry: 100\nwhat: ever\ndata: a\n\n", []event{{data: []byte("a")}}, io.EOF},
		"a colon in it":      {"data: a: b\n\n", []event{{data: []byte("a: b")}}, io.EOF},
	} {
		t.Run(what, func(t *testing.T) {
			r := newEventReader(strings.NewReader(c.stream))
			var got []event
			for {
				e, err := r.next()
				if err != nil {
					if !errors.Is(err, c.end) {
						t.Errorf("ended with %v, want %v", err, c.end)
					}
					break
				}
				got = append(got, e)
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(event{}), cmp.Transformer("text", func(b []byte) string { return fmt.Sprintf("%t %s", b == nil, b) })); diff != "" {
				t.Error(diff)
			}
		})
	}
	r := newEventReader(io.MultiReader(strings.NewReader("data: "), io.LimitReader(endless{}, maxEvent+1)))
	if _, err := r.next(); err == nil {
		t.Error("an event without end was read")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte("x"), len(p))), nil }

// Whatever a server sends, the reader ends, and what it gives was in the stream.
func FuzzEventReader(f *testing.F) {
	f.Add([]byte("event: a\nid: 1\ndata: x\ndata: y\n\n: c\n\n"))
	f.Add([]byte("data\r\n\r\ndata: \xff\n\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := newEventReader(bytes.NewReader(stream))
		total := 0
		for {
			e, err := r.next()
			if err != nil {
				return
			}
			if total += len(e.data); total > len(stream) || strings.Contains(e.kind+e.id, "\n") {
				t.Fatalf("%d bytes of data from %d; %+v", total, len(stream), e)
			}
		}
	})
}

// stream begins an answer that is a stream of events.
func stream(w http.ResponseWriter) func(format string, args ...any) {
	w.Header().Set("Content-Type", "text/event-stream")
	return func(format string, args ...any) {
		fmt.Fprintf(w, format, args...)
		_ = http.NewResponseController(w).Flush()
	}
}

// A stream that is lost again and again, in the middle of an event too, is whole
// for who follows it.
func TestFollowThroughCuts(t *testing.T) {
	const n, each = 20, 3
	var asked []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		from := 0
		asked = append(asked, r.Header.Get("Last-Event-ID"))
		_, _ = fmt.Sscan(r.Header.Get("Last-Event-ID"), &from)
		if len(asked)%4 == 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		send := stream(w)
		for i := from + 1; i <= n && i <= from+each; i++ {
			send("id: %d\nevent: event\ndata: {\"id\": %d}\n\n", i, i)
		}
		if from+each >= n {
			send("event: end\ndata: {}\n\n")
			return
		}
		send("id: %d\nevent: event\ndata: {\"id\"", from+each+1)
		panic(http.ErrAbortHandler)
	})
	var got []int64
	err := c.Events(t.Context(), 0, func(e StoredEvent) error { got = append(got, e.ID); return nil })
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range got {
		if id != int64(i+1) {
			t.Fatalf("came %v", got)
		}
	}
	if len(got) != n {
		t.Errorf("%d of %d events came", len(got), n)
	}
}

func TestFollowGivesUp(t *testing.T) {
	t.Run("what was never open", func(t *testing.T) {
		calls := 0
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { calls++; w.WriteHeader(http.StatusServiceUnavailable) })
		err := c.Events(t.Context(), 0, func(StoredEvent) error { return nil })
		wantKind(t, err, fail.Unavailable, "503")
		if calls != 1 {
			t.Errorf("asked %d times", calls)
		}
	})
	t.Run("at a refusal", func(t *testing.T) {
		calls := 0
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if calls++; calls > 1 {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			stream(w)(": hello\n\n")
		})
		err := c.Events(t.Context(), 0, func(StoredEvent) error { return nil })
		wantKind(t, err, fail.Unauthenticated, "401")
	})
	t.Run("when patience ends", func(t *testing.T) {
		calls := 0
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if calls++; calls > 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			stream(w)(": hello\n\n")
		})
		c.timing.patience = 50 * time.Millisecond
		wantKind(t, c.Events(t.Context(), 0, func(StoredEvent) error { return nil }), fail.Unavailable, "503")
		if calls < 3 {
			t.Errorf("asked %d times", calls)
		}
	})
	t.Run("when its listener does", func(t *testing.T) {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { stream(w)("event: event\ndata: {}\n\n") })
		enough := errors.New("enough")
		if err := c.Events(t.Context(), 0, func(StoredEvent) error { return enough }); !errors.Is(err, enough) {
			t.Error(err)
		}
	})
	t.Run("with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			stream(w)(": hello\n\n")
			cancel()
			<-r.Context().Done()
		})
		wantKind(t, c.Events(ctx, 0, func(StoredEvent) error { return nil }), fail.Canceled, "")
	})
	t.Run("at a problem in the stream", func(t *testing.T) {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			stream(w)("event: problem\ndata: {\"code\": \"not-found\", \"detail\": \"it was deleted\"}\n\n")
		})
		err := c.FollowLogs(t.Context(), "app", LogOptions{}, func(spec.LogLine) error { return nil })
		wantKind(t, err, fail.NotFound, "it was deleted")
	})
	t.Run("at nonsense", func(t *testing.T) {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { stream(w)("event: event\ndata: <html>\n\n") })
		wantKind(t, c.Events(t.Context(), 0, func(StoredEvent) error { return nil }), fail.Internal, "read stream")
	})
}

// A server that has fallen silent, without even a heartbeat, is asked anew.
func TestFollowNoticesSilence(t *testing.T) {
	calls := 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		send := stream(w)
		if calls < 3 {
			send("id: %d\nevent: event\ndata: {\"id\": %d}\n\n", calls, calls)
			<-r.Context().Done()
			return
		}
		send("event: end\ndata: {}\n\n")
	})
	c.timing.idle = 50 * time.Millisecond
	n := 0
	if err := c.Events(t.Context(), 0, func(StoredEvent) error { n++; return nil }); err != nil || n != 2 || calls != 3 {
		t.Errorf("%d events, asked %d times, %v", n, calls, err)
	}
}

// Lines that were lost on the way are said to be, where they were.
func TestDroppedLines(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("follow") != "true" || q.Get("tail") != "-1" || q.Get("device") != "left" {
			t.Errorf("asked %s", r.URL)
		}
		stream(w)("event: log\ndata: {\"text\": \"one\"}\n\nevent: dropped\ndata: {\"count\": 7}\n\nevent: unknown\ndata: {}\n\nevent: log\ndata: {\"text\": \"two\"}\n\nevent: end\ndata: {}\n\n")
	})
	var dropped int64
	c.dropped = func(n int64) { dropped += n }
	var lines []string
	err := c.FollowLogs(t.Context(), "app", LogOptions{Device: "left", Tail: -5}, func(l spec.LogLine) error {
		lines = append(lines, string(l.Stream)+" "+l.Text)
		return nil
	})
	if err != nil || dropped != 7 || len(lines) != 3 || lines[0] != " one" || !strings.Contains(lines[1], "engine … 7 lines") || lines[2] != " two" {
		t.Errorf("%q, %d dropped, %v", lines, dropped, err)
	}
}
