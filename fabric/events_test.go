package fabric

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func journal(t testing.TB, nc *nats.Conn, device spec.DeviceID) *Journal {
	t.Helper()
	j, err := NewJournal(t.Context(), nc, device)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func emit(t testing.TB, j *Journal, message string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := j.Emit(ctx, spec.Event{Kind: spec.EventDevice, Message: message}); err != nil {
		t.Fatal(err)
	}
}

// consumer runs Consume until stop, which waits for it.
func consumer(t testing.TB, nc *nats.Conn, handle func(context.Context, spec.Event) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		each := func(ctx context.Context, events []spec.Event) error {
			for _, e := range events {
				if err := handle(ctx, e); err != nil {
					return err
				}
			}
			return nil
		}
		if err := Consume(ctx, nc, quiet(), each); err != nil {
			t.Errorf("Consume: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

// collect gives the next n events that come.
func collect(t testing.TB, nc *nats.Conn, n int) []spec.Event {
	t.Helper()
	events := make(chan spec.Event)
	stop := consumer(t, nc, func(ctx context.Context, e spec.Event) error {
		select {
		case events <- e:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	defer stop()
	var got []spec.Event
	for len(got) < n {
		select {
		case e := <-events:
			got = append(got, e)
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of %d events came", len(got), n)
		}
	}
	return got
}

func TestJournalContinuesAfterRestart(t *testing.T) {
	dir := t.TempDir()
	var messages []string
	for run := range 3 {
		s := startIn(t, dir, nil)
		j := journal(t, control(t, s), "kitchen")
		for i := range 2 {
			messages = append(messages, fmt.Sprintf("run %d event %d", run, i))
			emit(t, j, messages[len(messages)-1])
		}
		s.Close()
	}
	s := startIn(t, dir, nil)
	got := collect(t, control(t, s), len(messages))
	for i, e := range got {
		if e.Message != messages[i] || e.Device != "kitchen" || e.Time.IsZero() || e.Time.Location() != time.UTC {
			t.Errorf("event %d is %+v, want %q", i, e, messages[i])
		}
		if i > 0 && e.Sequence != got[i-1].Sequence+1 {
			t.Errorf("sequence %d follows %d", e.Sequence, got[i-1].Sequence)
		}
	}
}

// A device whose events are all gone must not begin again with numbers that the
// server knows: it would take new events for old ones.
func TestJournalOfLostStoreGoesOnHigher(t *testing.T) {
	var last uint64
	for range 2 {
		s := start(t) // another directory each time
		nc := control(t, s)
		emit(t, journal(t, nc, "kitchen"), "x")
		e := collect(t, nc, 1)[0]
		if e.Sequence <= last {
			t.Errorf("sequence %d follows %d", e.Sequence, last)
		}
		if e.Sequence > 1<<53 {
			t.Errorf("sequence %d does not fit into a JSON number", e.Sequence)
		}
		last = e.Sequence
		s.Close()
	}
}

func TestEmitSideBySide(t *testing.T) {
	s := start(t)
	nc := control(t, s)
	j := journal(t, nc, "kitchen")
	const each, writers = 25, 8
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := j.Emit(t.Context(), spec.Event{Message: fmt.Sprint(w, i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	var last uint64
	for _, e := range collect(t, nc, each*writers) {
		if seen[e.Message] || last != 0 && e.Sequence != last+1 {
			t.Errorf("event %q: sequence %d after %d, seen %v", e.Message, e.Sequence, last, seen[e.Message])
		}
		seen[e.Message], last = true, e.Sequence
	}
}

func TestEmitWithoutFabric(t *testing.T) {
	s := start(t)
	j := journal(t, control(t, s), "kitchen")
	s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	err := j.Emit(ctx, spec.Event{})
	if !fail.Is(err, fail.Timeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begin); took < 250*time.Millisecond || took > 5*time.Second {
		t.Errorf("Emit took %v", took)
	}
}

// What is recorded together comes together, numbered on, also after a restart.
func TestEmitSeveral(t *testing.T) {
	s := start(t)
	nc := control(t, s)
	if err := journal(t, nc, "kitchen").Emit(t.Context(), spec.Event{Message: "a"}, spec.Event{Message: "b"}); err != nil {
		t.Fatal(err)
	}
	emit(t, journal(t, nc, "kitchen"), "c") // a journal of its own: that of a restarted agent
	got := collect(t, nc, 3)
	for i, want := range []string{"a", "b", "c"} {
		if got[i].Message != want || got[i].Device != "kitchen" || got[i].Sequence != got[0].Sequence+uint64(i) || got[i].Time.IsZero() {
			t.Errorf("event %d is %+v", i, got[i])
		}
	}
}

func TestEmitTooLarge(t *testing.T) {
	s := start(t)
	err := journal(t, control(t, s), "kitchen").Emit(t.Context(), spec.Event{Message: strings.Repeat("x", maxPayload)})
	if !fail.Is(err, fail.TooLarge) {
		t.Errorf("got %v", err)
	}
}

// While the handler fails, as with a database that is away, the same event
// comes again and none overtakes it.
func TestConsumeRetriesInOrder(t *testing.T) {
	s := start(t)
	nc := control(t, s)
	j := journal(t, nc, "kitchen")
	for i := range 3 {
		emit(t, j, fmt.Sprint(i))
	}
	calls := make(chan string, 100)
	failures := 3
	consumer(t, nc, func(_ context.Context, e spec.Event) error {
		calls <- e.Message
		if e.Message == "1" && failures > 0 {
			failures--
			return fail.New(fail.Unavailable, "store event", "database is away")
		}
		return nil
	})
	for _, want := range []string{"0", "1", "1", "1", "1", "2"} {
		select {
		case got := <-calls:
			if got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("nothing came, want %q", want)
		}
	}
}

func TestConsumeDropsWhatCanNeverBeApplied(t *testing.T) {
	s := start(t)
	nc := control(t, s)
	j := journal(t, nc, "kitchen")
	emit(t, j, "invalid")
	if err := nc.Publish(EventsSubject("kitchen"), []byte("not JSON")); err != nil {
		t.Fatal(err)
	}
	emit(t, journal(t, nc, "kitchen"), "good") // it stops a new journal neither
	good := make(chan spec.Event, 1)
	consumer(t, nc, func(_ context.Context, e spec.Event) error {
		if e.Message == "invalid" {
			return fail.New(fail.Invalid, "apply", "unknown deployment")
		}
		good <- e
		return nil
	})
	select {
	case e := <-good:
		if e.Message != "good" {
			t.Errorf("got %+v", e)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the poison stopped the others")
	}
}

func TestConsumeContinuesWhereItWas(t *testing.T) {
	dir := t.TempDir()
	s := startIn(t, dir, nil)
	nc := control(t, s)
	j := journal(t, nc, "kitchen")
	for i := range 5 {
		emit(t, j, fmt.Sprint(i))
	}
	// The third is handled, but its handler does not return well before the end.
	third := make(chan struct{})
	stop := consumer(t, nc, func(ctx context.Context, e spec.Event) error {
		if e.Message == "2" {
			close(third)
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	<-third
	stop()
	s.Close()
	s = startIn(t, dir, nil)
	var got []string
	for _, e := range collect(t, control(t, s), 3) {
		got = append(got, e.Message)
	}
	if strings.Join(got, " ") != "2 3 4" {
		t.Errorf("after the restart came %q", got)
	}
}

func TestEventLimitsDropTheOldest(t *testing.T) {
	s := startIn(t, t.TempDir(), func(o *Options) { o.Events.Bytes = 64 << 10 })
	nc := control(t, s)
	j := journal(t, nc, "kitchen")
	const events = 200
	for i := range events {
		emit(t, j, fmt.Sprintf("%d %s", i, strings.Repeat("x", 1000)))
	}
	var first int
	if _, err := fmt.Sscan(collect(t, nc, 1)[0].Message, &first); err != nil || first == 0 {
		t.Errorf("the first kept is %d, %v", first, err)
	}
}

// emitForEver is the process that TestKill kills. It says what was acknowledged.
func emitForEver(dir string) {
	s, err := Start(context.Background(), Options{Dir: dir, Name: "child", Log: quiet()})
	if err != nil {
		panic(err)
	}
	nc, err := s.Control()
	if err != nil {
		panic(err)
	}
	j, err := NewJournal(context.Background(), nc, "kitchen")
	if err != nil {
		panic(err)
	}
	for i := 0; ; i++ {
		if err := j.Emit(context.Background(), spec.Event{Message: fmt.Sprint(i)}); err != nil {
			panic(err)
		}
		fmt.Println(i)
	}
}

func TestKillLosesNoAcknowledgedEvent(t *testing.T) {
	for round := range 3 {
		dir := t.TempDir()
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), "FABRIC_TEST_CHILD="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged, lines := -1, bufio.NewScanner(out)
		for lines.Scan() {
			if _, err := fmt.Sscan(lines.Text(), &acknowledged); err != nil {
				t.Fatal(err)
			}
			if acknowledged == 50*(round+1) {
				_ = child.Process.Kill() // and read what it still said
			}
		}
		_ = child.Wait()
		if acknowledged < 50 {
			t.Fatalf("the child ended after %d events", acknowledged)
		}

		s := startIn(t, dir, nil)
		var last uint64
		for i, e := range collect(t, control(t, s), acknowledged+1) {
			if e.Message != fmt.Sprint(i) || last != 0 && e.Sequence != last+1 {
				t.Fatalf("round %d: event %d is %+v, sequence before %d", round, i, e, last)
			}
			last = e.Sequence
		}
		s.Close()
	}
}

// A disk that was full for a while: events flow again once there is room,
// without a restart.
func TestJournalRecoversFromFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("needs to mount a tmpfs (root with CAP_SYS_ADMIN): %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	s := startIn(t, filepath.Join(dir, "fabric"), nil)
	nc := control(t, s)
	j := journal(t, nc, "kitchen")
	emit(t, j, "before")
	hog := filepath.Join(dir, "hog")
	_ = os.WriteFile(hog, make([]byte, 1<<20), 0o600) // as much as there is
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := j.Emit(ctx, spec.Event{Message: strings.Repeat("x", 8<<10)}); err == nil {
		t.Error("an event was acknowledged on a full disk")
	}
	if err := os.Remove(hog); err != nil {
		t.Fatal(err)
	}
	emit(t, j, "after")
	var got []string
	for _, e := range collect(t, nc, 2) {
		got = append(got, e.Message[:min(len(e.Message), 10)])
	}
	if got[0] != "before" {
		t.Errorf("got %q", got)
	}
}

func BenchmarkEmit(b *testing.B) {
	s := start(b)
	j := journal(b, control(b, s), "kitchen")
	for b.Loop() {
		if err := j.Emit(b.Context(), spec.Event{Kind: spec.EventStep, Application: "roots", Step: spec.StepFetch, Status: "started"}); err != nil {
			b.Fatal(err)
		}
	}
}
