package metrics

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

var begin = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

// world is a collector on a real database, with a clock of its own.
type world struct {
	*Collector
	t    *testing.T
	path string
	db   *store.Store
	at   time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, path: filepath.Join(t.TempDir(), "db"), at: begin}
	var err error
	if w.db, err = store.Open(t.Context(), "sqlite:"+w.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	w.restart()
	return w
}

// restart loses what is in memory.
func (w *world) restart() {
	w.Collector = New(w.db, slog.New(slog.DiscardHandler))
	w.now = func() time.Time { return w.at }
}

// take has a device tell of a period in which an application was called that often.
func (w *world) take(device spec.DeviceID, period time.Duration, calls uint64) {
	s := spec.Sample{
		End: w.at.UnixMilli(), Period: period.Milliseconds(), CPU: period.Seconds() / 2, Processors: 1,
		Memory: 100 << 20, MemoryTotal: 1 << 30, Messages: calls,
	}
	if calls > 0 {
		s.Applications = map[spec.Name]spec.ApplicationSample{"hello": {Calls: calls, Took: map[int]uint64{3: calls}, Memory: 5 << 20, Workers: 1}}
	}
	w.Take(device, s)
}

func (w *world) history(device spec.DeviceID, back, step time.Duration) []spec.Sample {
	w.t.Helper()
	all, err := w.History(w.t.Context(), device, w.at.Add(-back), w.at, step)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func calls(samples []spec.Sample) (n uint64) {
	for _, s := range samples {
		n += s.Applications["hello"].Calls
	}
	return n
}

// A day and a half: nothing is lost when the server restarts, what is older than a day
// is condensed, and the counts stay right whatever the step.
func TestHistory(t *testing.T) {
	w := newWorld(t)
	total := uint64(0)
	const ticks = 36 * 60 * 6 // of 10 s
	for i := range ticks {
		w.at = w.at.Add(10 * time.Second)
		n := uint64(i % 3)
		total += n
		w.take("kitchen", 10*time.Second, n)
		if i%90 == 89 {
			if err := w.Flush(t.Context(), false); err != nil {
				t.Fatal(err)
			}
		}
		if i == ticks/2 {
			if err := w.Flush(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			w.restart()
		}
	}
	if err := w.Condense(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := w.history("kitchen", 37*time.Hour, Quarter)
	if n := len(all); n < 36*4 || n > 36*4+1 {
		t.Errorf("%d quarters", n)
	}
	if got := calls(all); got != total {
		t.Errorf("%d calls are told of, there were %d", got, total)
	}
	fine := w.history("kitchen", time.Hour, Fine)
	if len(fine) != 360 || calls(fine) != 360 {
		t.Errorf("the last hour has %d samples, %d calls", len(fine), calls(fine))
	}
	minutes := w.history("kitchen", 2*time.Hour, Minute)
	if len(minutes) != 120 || calls(minutes) != 720 || minutes[0].CPU != 30 {
		t.Errorf("two hours have %d minutes, %d calls, %+v", len(minutes), calls(minutes), minutes[0])
	}
	coarse, err := w.db.Metrics(t.Context(), "kitchen", time.Time{}, w.at.Add(-26*time.Hour))
	if err != nil || len(coarse) != 1 || coarse[0].Step != Quarter {
		t.Errorf("what is older than a day: %d blocks, %v", len(coarse), err)
	}
	w.at = w.at.Add(Kept + 25*time.Hour)
	if err := w.Condense(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := w.db.Metrics(t.Context(), "", time.Time{}, w.at); err != nil || len(left) != 0 {
		t.Errorf("%d blocks are left after 30 days, %v", len(left), err)
	}
}

// An application of which nothing new is told stands as it stood; devices together are
// added up.
func TestStandsAndTogether(t *testing.T) {
	w := newWorld(t)
	for i := range 6 {
		w.at = w.at.Add(time.Minute)
		w.take("kitchen", time.Minute, uint64(1-min(i, 1)))
		w.take("attic", time.Minute, 2)
	}
	one := w.history("kitchen", time.Hour, Minute)
	if last := one[len(one)-1]; len(one) != 6 || last.Applications["hello"].Memory != 5<<20 || last.Applications["hello"].Calls != 0 {
		t.Errorf("%d, the last %+v", len(one), last)
	}
	both := w.history("", time.Hour, Minute)
	if len(both) != 6 || calls(both) != 13 || both[5].Processors != 2 || both[5].Applications["hello"].Memory != 10<<20 {
		t.Errorf("%d, %d calls, the last %+v", len(both), calls(both), both[5])
	}
	of, err := w.Application(t.Context(), "hello", []spec.DeviceID{"attic"}, begin, w.at, Minute)
	if err != nil || calls(of) != 12 {
		t.Errorf("%v, %d calls", err, calls(of))
	}
	totals := map[spec.DeviceID]spec.Sample{}
	for _, total := range w.Totals() {
		totals[total.Device] = total.Sample
	}
	if got := totals["attic"]; got.Messages != 12 || got.Memory != 100<<20 || got.Applications["hello"].Memory != 5<<20 {
		t.Errorf("%+v", got)
	}
}

// A device whose clock is wrong is seen all the same.
func TestWrongClock(t *testing.T) {
	w := newWorld(t)
	w.Take("kitchen", spec.Sample{End: 1000, Period: 1000, Messages: 4})
	w.Take("kitchen", spec.Sample{End: begin.Add(time.Hour).UnixMilli(), Period: 1000, Messages: 3})
	w.Take("kitchen", spec.Sample{Period: -5})
	if got := w.history("kitchen", time.Hour, Fine); len(got) != 1 || got[0].Messages != 7 {
		t.Errorf("%+v", got)
	}
}

// What an idle device costs the server's flash in a day.
func TestIdleDayOnDisk(t *testing.T) {
	w := newWorld(t)
	before := written(t)
	for i := range 24 * 60 {
		w.at = w.at.Add(time.Minute)
		w.take("kitchen", time.Minute, 0)
		if i%15 == 14 {
			if err := w.Flush(t.Context(), false); err != nil {
				t.Fatal(err)
			}
		}
	}
	bytes := written(t) - before
	size := int64(0)
	blocks, err := w.db.Metrics(context.Background(), "", time.Time{}, w.at)
	for _, b := range blocks {
		size += int64(len(b.Samples))
	}
	t.Logf("%d bytes written in a day for %d bytes in %d blocks, %v", bytes, size, len(blocks), err)
	if len(blocks) != 96 || size > 100_000 || bytes > 8_000_000 {
		t.Errorf("%d bytes written for %d bytes in %d blocks", bytes, size, len(blocks))
	}
}

// written is what this process has given to write(2).
func written(t *testing.T) (n int64) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skip(err)
	}
	return field(string(text), "wchar: ")
}

func field(text, name string) (n int64) {
	for line := range strings.Lines(text) {
		if value, is := strings.CutPrefix(line, name); is {
			n, _ = strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return n
}
