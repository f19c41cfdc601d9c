package meter

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/observe"
	"fescue.dev/fescue/spec"
)

// engine is a deployment engine with one function.
type engine struct{ watch observe.Stopwatch }

func (e *engine) Activity() []observe.Activity {
	return []observe.Activity{{Application: "hello", Function: true, Calls: e.watch.Durations(), Workers: 1}}
}

func (*engine) Status() []spec.Placement {
	return []spec.Placement{{Name: "hello", State: spec.Running, Actual: "1.0.0"}}
}

// world is a meter over a real exchange.
type world struct {
	*Meter
	engine *engine
	router *exchange.Router
	client *exchange.Client
	sent   []spec.Sample
	away   bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	w := &world{engine: &engine{}, router: exchange.New(exchange.Options{Device: "kitchen", Log: log})}
	client, err := w.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	w.client = client
	w.Meter = New(Options{
		Device: "kitchen", Version: "v1", Dir: t.TempDir(), Exchange: w.router, Engine: w.engine, Log: log,
		Usage: func() map[spec.Name]sandbox.Usage {
			return map[spec.Name]sandbox.Usage{"hello@3": {Memory: 7 << 20, Processes: 2}}
		},
		Send: func(s spec.Sample) error {
			if w.away {
				return errors.New("away")
			}
			w.sent = append(w.sent, s)
			return nil
		},
	})
	return w
}

func (w *world) publish(t *testing.T, topic string) {
	t.Helper()
	if err := w.client.Publish(spec.Topic(topic), []byte("12345")); err != nil {
		t.Fatal(err)
	}
}

// still is a reporter whose machine does nothing, so that only what the test does counts.
func (w *world) still() (*reporter, func(after time.Duration)) {
	now := time.Unix(1_700_000_000, 0)
	read := func() reading {
		r := w.read()
		r.at, r.machine = now, machine{processors: 2, memoryTotal: 1 << 30, memory: 1 << 29, diskTotal: 1 << 33, disk: 1 << 32, agent: 20 << 20, booted: time.Unix(1_690_000_000, 0)}
		return r
	}
	r := &reporter{meter: w.Meter, last: read()}
	r.sent = spec.Sample{Memory: 1 << 29}
	return r, func(after time.Duration) {
		now = now.Add(after)
		r.tick(read())
	}
}

// An idle device sends a sample a minute, and a day of it takes a quarter of a megabyte at most.
func TestIdleDay(t *testing.T) {
	w := newWorld(t)
	_, tick := w.still()
	for range int(24 * time.Hour / (10 * time.Second)) {
		tick(10 * time.Second)
	}
	const envelope = len("PUB fescue.v1.kitchen.sample 123\r\n\r\n")
	total := 0
	for _, s := range w.sent {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		total += len(text) + envelope
	}
	t.Logf("%d samples, %d bytes a day", len(w.sent), total)
	if len(w.sent) > 24*60 || len(w.sent) < 24*50 || total > 250_000 {
		t.Errorf("%d samples, %d bytes a day", len(w.sent), total)
	}
}

// What begins is told at once, and not smeared over the idle time before it; what
// cannot be sent is part of the next sample.
func TestBusy(t *testing.T) {
	w := newWorld(t)
	_, tick := w.still()
	for range 3 {
		tick(10 * time.Second)
	}
	w.publish(t, "a/b")
	w.engine.watch.Note(3 * time.Millisecond)
	tick(10 * time.Second)
	if len(w.sent) != 2 || w.sent[0].Messages != 0 || w.sent[0].Length() != 30*time.Second {
		t.Fatalf("%+v", w.sent)
	}
	s := w.sent[1]
	a := s.Applications["hello"]
	if s.Messages != 1 || s.Bytes != 5 || s.Length() != 10*time.Second || a.Calls != 1 || a.Took[3] != 1 || a.Memory != 7<<20 || a.Workers != 1 {
		t.Errorf("%+v", s)
	}
	w.away = true
	w.publish(t, "a/b")
	tick(10 * time.Second)
	w.away = false
	w.publish(t, "a/b")
	tick(10 * time.Second)
	sum := uint64(0)
	for _, s := range w.sent {
		sum += s.Messages
	}
	if sum != 3 {
		t.Errorf("%d messages are told of, 3 were published", sum)
	}
}

// However many topics there are, they have a bounded number of series, which do not
// go back.
func TestTopicsAreBounded(t *testing.T) {
	w := newWorld(t)
	series := func() (n int, first, others string) {
		var text strings.Builder
		if _, err := w.Expose().WriteTo(&text); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text.String()) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
			if !strings.HasPrefix(line, "fescue_topic_messages_total{") {
				continue
			}
			n++
			switch {
			case strings.Contains(name, otherTopics):
				others = value
			case strings.Contains(name, `"first"`):
				first = value
			}
		}
		return n, first, others
	}
	w.publish(t, "first")
	if n, first, others := series(); n != 2 || first != "1" || others != "0" {
		t.Errorf("%d series, first %s, others %s", n, first, others)
	}
	for i := range 1000 {
		w.publish(t, fmt.Sprintf("made/up/%d", i))
	}
	n, first, others := series()
	if want := fmt.Sprint(1001 - topicsShown); n != topicsShown+1 || first != "1" || others != want {
		t.Errorf("%d series, first %s, others %s, want %s", n, first, others, want)
	}
}
