package runtimetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

func (s *Suite) describe(t *testing.T, r runtimes.Runtime) {
	ctx := context.Background()
	if r.Name() == "" || r.Describe(ctx) == "" {
		t.Errorf("name %q, description %q", r.Name(), r.Describe(ctx))
	}
	if err := r.Check(ctx, ""); err != nil {
		t.Errorf("without a condition: %v", err)
	}
	err := r.Check(ctx, ">=999.0.0")
	if !fail.Is(err, fail.Unsupported) || fail.HintOf(err) == "" {
		t.Errorf("a version that nobody has: %v", err)
	}
	if s.Versioned && !strings.Contains(err.Error(), "999") {
		t.Errorf("the error does not say what was asked for: %v", err)
	}
}

func (s *Suite) invoke(t *testing.T, f *Function) {
	w := f.Start(t)
	w.Answers(t, "echo hello", "hello")
	w.Answers(t, "echo größer 漢字 \t{}", "größer 漢字 \t{}")
	for n := range 20 {
		w.Answers(t, fmt.Sprintf("echo %d", n), fmt.Sprint(n))
	}
	if s.Context {
		w.Answers(t, "topic", "suite/in")
	}
}

// failure is the handler's exception, which must be what the call gave.
func failure(t *testing.T, w *Worker, text string) *exchange.HandlerError {
	t.Helper()
	got, err := w.Call(text, Patience)
	var exception *exchange.HandlerError
	if !errors.As(err, &exception) {
		t.Fatalf("%q gave %q, %v; want an exception\n%s", text, got, err, w.function.Output.text())
	}
	return exception
}

func (s *Suite) errors(t *testing.T, f *Function) {
	w := f.Start(t)
	e := failure(t, w, "fail it is broken")
	if e.Type == "" || !strings.Contains(e.Message, "it is broken") {
		t.Errorf("the exception is %q, %q", e.Type, e.Message)
	}
	if !strings.Contains(e.Stack, s.Stack) {
		t.Errorf("the stack trace lacks %q:\n%s", s.Stack, e.Stack)
	}
	if e := failure(t, w, "nonsense"); e.Message == "" {
		t.Error("an error of the handler has no message")
	}
	w.Answers(t, "echo on", "on")
}

// timeOut: who waits is told in time. The worker either settles, or can be ended
// whatever its handler does.
func (s *Suite) timeOut(t *testing.T, f *Function) {
	w := f.Start(t)
	begun := time.Now()
	if got, err := w.Call("sleep 600000", 300*time.Millisecond); !fail.Is(err, fail.Timeout) || fail.HintOf(err) == "" {
		t.Fatalf("a handler that sleeps gave %q, %v", got, err)
	}
	if waited := time.Since(begun); waited > Patience/2 {
		t.Errorf("the time-out of 300ms came after %v", waited)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if w.Settle(ctx) == nil {
		w.Answers(t, "echo on", "on")
		return
	}
	w.process.Terminate(0)
	select {
	case <-w.ended:
	case <-time.After(Patience):
		t.Error("a worker in a handler that sleeps cannot be ended")
	}
}

func (s *Suite) output(t *testing.T, f *Function) {
	w := f.Start(t)
	answer, printed := "", []string{"out något\n", "err något\n"}
	if s.PerEvent { // stdout is the answer
		answer, printed = printed[0], printed[1:]
	}
	w.Answers(t, "print något", answer)
	for _, want := range printed {
		eventually(t, "the output has "+want, func() bool { return strings.Contains(f.Output.text(), want) })
	}
}

func (s *Suite) large(t *testing.T, f *Function) {
	w := f.Start(t)
	text := strings.Repeat("0123456789abcde\n", 900<<10/16)
	w.Answers(t, "echo "+text, text)
}

// concurrency: many calls at once on two workers; every one gets its own answer.
func (s *Suite) concurrency(t *testing.T, f *Function) {
	workers := []*Worker{f.Start(t), f.Start(t)}
	var group sync.WaitGroup
	for n := range 32 {
		group.Go(func() {
			text := fmt.Sprintf("%d%s", n, strings.Repeat("x", 100*n))
			if got, err := workers[n%2].Call("echo "+text, Patience); err != nil || got != text {
				t.Errorf("call %d: %.20q, %v", n, got, err)
			}
		})
	}
	group.Wait()
}

// outcome is what came of one of several calls.
type outcome struct {
	number int
	text   string
	err    error
}

// send gives the worker several calls at once, and where their outcomes come, in the order in which they do.
func send(t *testing.T, w *Worker, texts ...string) (ids []uint32, outcomes <-chan outcome) {
	t.Helper()
	all := make(chan outcome, len(texts))
	for n, text := range texts {
		id, err := w.Worker.Begin(invocation(text, Patience), func(got []byte, err error) {
			all <- outcome{n, string(got), err}
		})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	w.Worker.Flush()
	return ids, all
}

// ahead: calls that wait in the worker begin one after the other, in order, or not at all once they are
// cancelled; each is answered before the next begins.
func (s *Suite) ahead(t *testing.T, f *Function) {
	w := f.Start(t)
	if !w.Queues() {
		t.Fatal("the worker does not take calls ahead")
	}
	ids, outcomes := send(t, w, "sleep 300", "echo 1", "exit 4", "fail as told", "echo 4")
	w.Cancel(ids[2]) // it waits for the first
	var order []int
	for range ids {
		o := <-outcomes
		var exception *exchange.HandlerError
		switch is := errors.As(o.err, &exception); {
		case o.number == 2:
			if !is || exception.Type != wire.Cancelled {
				t.Errorf("the cancelled one: %q, %v", o.text, o.err)
			}
			continue
		case o.number == 3 && (!is || !strings.Contains(exception.Message, "as told")),
			o.number != 3 && o.text != []string{"slept", "1", "", "", "4"}[o.number]:
			t.Errorf("call %d: %q, %v", o.number, o.text, o.err)
		}
		order = append(order, o.number)
	}
	if !slices.Equal(order, []int{0, 1, 3, 4}) {
		t.Errorf("the order is %v", order)
	}
	if s.Contained {
		return
	}
	_, outcomes = send(t, w, "echo 0", "exit 3", "echo 2")
	for n := range 3 {
		if o := <-outcomes; o.number == 0 && o.text != "0" || o.number > 0 && !fail.Is(o.err, fail.Unavailable) || n == 0 && o.number != 0 {
			t.Errorf("call %d around the worker's end: %q, %v", o.number, o.text, o.err)
		}
	}
}

// atOnce: an event does not wait for the one before it, and one that is cancelled ends alone.
func (s *Suite) atOnce(t *testing.T, f *Function) {
	w := f.Start(t)
	ids, outcomes := send(t, w, "sleep 600000", "echo 1", "echo 2")
	for range 2 {
		if o := <-outcomes; o.number == 0 || o.err != nil {
			t.Errorf("call %d: %q, %v", o.number, o.text, o.err)
		}
	}
	w.Cancel(ids[0])
	if o := <-outcomes; o.number != 0 || o.err == nil {
		t.Errorf("the cancelled one: %q, %v", o.text, o.err)
	}
}

// graceful: asked to stop, a worker finishes what it is doing and ends by itself.
func (s *Suite) graceful(t *testing.T, f *Function) {
	w := f.Start(t)
	answer := make(chan error, 1)
	go func() {
		got, err := w.Call("sleep 400", Patience)
		if err == nil && got != "slept" {
			err = fmt.Errorf("answered %q", got)
		}
		answer <- err
	}()
	time.Sleep(100 * time.Millisecond) // let it begin
	w.Stop()
	if err := <-answer; err != nil {
		t.Errorf("the call under way: %v", err)
	}
	select {
	case <-w.ended:
		if !w.exit.Success() {
			t.Errorf("the worker %s\n%s", w.exit, f.Output.text())
		}
	case <-time.After(Patience):
		t.Error("the worker does not end")
	}
}

// kill: a worker that is killed in the middle of a call fails the call at once.
func (s *Suite) kill(t *testing.T, f *Function) {
	w := f.Start(t)
	answer := make(chan error, 1)
	go func() {
		_, err := w.Call("sleep 600000", 0)
		answer <- err
	}()
	time.Sleep(100 * time.Millisecond)
	w.process.Terminate(0)
	select {
	case err := <-answer:
		if !fail.Is(err, fail.Unavailable) {
			t.Errorf("the call under way: %v", err)
		}
	case <-time.After(Patience):
		t.Error("who waits for a dead worker is not told")
	}
}

func (s *Suite) crash(t *testing.T, f *Function) {
	w := f.Start(t)
	if got, err := w.Call("exit 3", Patience); err == nil {
		t.Errorf("a handler that ends its process answered %q", got)
	}
	select {
	case <-w.ended:
		if w.exit.Code != 3 {
			t.Errorf("the worker %s, not with status 3\n%s", w.exit, f.Output.text())
		}
	case <-time.After(Patience):
		t.Fatal("the worker goes on")
	}
	f.Start(t).Answers(t, "echo again", "again")
}

func (s *Suite) crashContained(t *testing.T, f *Function) {
	w := f.Start(t)
	if e := failure(t, w, "exit 3"); !strings.Contains(e.Message, "3") {
		t.Errorf("the status is not told: %v", e)
	}
	w.Answers(t, "echo on", "on")
}

func (s *Suite) context(t *testing.T, f *Function) {
	client, err := f.Device.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close() //nolint:errcheck // the test is over
	messages := make(chan exchange.Message, 8)
	if _, err := client.Subscribe("suite/#", exchange.SubscribeOptions{}, func(m exchange.Message) { messages <- m }); err != nil {
		t.Fatal(err)
	}
	w := f.Start(t)
	w.Answers(t, "publish suite/out", "")
	w.Answers(t, "publish suite/out", "") // the permission is known by now
	for range 2 {
		select {
		case m := <-messages:
			if m.Topic != "suite/out" || string(m.Payload) != "published" {
				t.Errorf("the subscriber got %q %q", m.Topic, m.Payload)
			}
		case <-time.After(Patience):
			t.Fatal("the subscriber got nothing")
		}
	}
	if e := failure(t, w, "publish other/out"); !strings.Contains(strings.ToLower(e.Type+e.Message), "denied") {
		t.Errorf("without permission: %v", e)
	}
	w.Answers(t, "log careful", "")
	eventually(t, "the line is logged", func() bool {
		return strings.Contains(f.Output.text()+f.Device.logged.text(), "log 2 careful")
	})
}

func (s *Suite) confinement(t *testing.T, f *Function) {
	w := f.Start(t)
	secret := filepath.Join(f.Device.Dir, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{secret, "/etc/shadow", f.Device.Dir + "/sandbox/users.json"} {
		if got, err := w.Call("read "+path, Patience); err == nil {
			t.Errorf("it reads %s: %q", path, got)
		}
	}
	inCode := filepath.Join(f.Application.Dir, "new")
	if got, err := w.Call("write "+inCode, Patience); err == nil {
		t.Errorf("it writes into its code: %q", got)
	}
	mine := filepath.Join(f.data, "mine")
	if _, err := w.Call("write "+mine, Patience); err != nil {
		t.Errorf("it cannot write into its data: %v", err)
	}
	w.Answers(t, "read "+mine, "x")
	w.Answers(t, "variable FESCUE_DEVICE", "test")
}

// sweep keeps what applications need, and what Prepare has made is made once.
func (s *Suite) sweep(t *testing.T, f *Function) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := f.Runtime.Sweep(ctx, []runtimes.Application{f.Application}); err != nil {
		t.Fatal(err)
	}
	if did, err := f.Runtime.Prepare(ctx, f.Application, f.Device.Build); err != nil || did {
		t.Errorf("prepared a second time: %v, %v", did, err)
	}
	f.Start(t).Answers(t, "echo kept", "kept")
}

// broken: a handler that cannot be loaded is refused, or says why and ends.
func (s *Suite) broken(t *testing.T, d *Device, r runtimes.Runtime) {
	f, err := d.TryLoad(t, r, "broken", s.Broken)
	if err != nil { // it was found while it was prepared: so much the better
		if !strings.Contains(err.Error(), s.BrokenSays) || fail.HintOf(err) == "" {
			t.Errorf("the reason lacks %q, or a hint: %v", s.BrokenSays, err)
		}
		return
	}
	w := f.Begin(t)
	select {
	case <-w.ended:
	case <-w.Ready():
		t.Fatal("it is ready")
	case <-time.After(Patience):
		t.Fatal("it neither is ready nor ends")
	}
	<-w.served
	if w.exit.Success() {
		t.Errorf("the worker %s", w.exit)
	}
	why := w.Failure()
	if why == nil || !strings.Contains(why.Error()+why.Stack, s.BrokenSays) {
		t.Errorf("the reason lacks %q: %v\n%s", s.BrokenSays, why, w.function.Output.text())
	}
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}

// Prepared tells what Prepare says of an application, with its error.
func (d *Device) Prepared(t testing.TB, r runtimes.Runtime, app runtimes.Application, limit time.Duration) (bool, error) {
	t.Helper()
	late := fail.New(fail.Timeout, "prepare dependencies", "it took longer than %v", limit)
	ctx, cancel := context.WithTimeoutCause(context.Background(), limit, late)
	defer cancel()
	return r.Prepare(ctx, app, d.Build)
}
