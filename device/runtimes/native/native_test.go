package native_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/native"
	"fescue.dev/fescue/device/runtimes/runtimetest"
	"fescue.dev/fescue/device/runtimes/worker"
	"fescue.dev/fescue/fail"
)

// TestMain lets the test binary be the worker of programs per event, and, under these names, programs that speak the protocol.
func TestMain(m *testing.M) {
	kinds := runtimetest.Programs()
	kinds[native.Kind] = worker.Function(native.LoadProgram)
	if name := filepath.Base(os.Args[0]); kinds[name] != nil {
		os.Args = worker.Command(os.Args[0], name)
	}
	worker.Main(kinds)
	goleak.VerifyTestMain(m)
}

func self(t testing.TB) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func open(t testing.TB, _ *runtimetest.Device) runtimes.Runtime {
	return native.Native{Program: self(t)}
}

// A program that speaks the protocol.
func TestProtocolConformance(t *testing.T) {
	source := func(name string) runtimetest.Source {
		return runtimetest.Source{Configuration: "runtime: native\nhandler: bin/" + name + "\n", Copy: map[string]string{"bin/" + name: self(t)}}
	}
	runtimetest.Run(t, runtimetest.Suite{
		New: open, Function: source("function"), Broken: source("broken"), BrokenSays: "there is no model",
		Stack: "in handle", Context: true,
	})
}

const perEvent = "runtime: native\nhandler: function.sh\nperEvent: true\n"

// A program that is started for each event.
func TestPerEventConformance(t *testing.T) {
	script, err := os.ReadFile("testdata/function.sh")
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, runtimetest.Suite{
		New:      open,
		Function: runtimetest.Source{Configuration: perEvent, Files: map[string]string{"function.sh": string(script)}},
		Broken:   runtimetest.Source{Configuration: perEvent, Files: map[string]string{"function.sh": "no program"}}, BrokenSays: "not executable",
		Stack: "it is broken", PerEvent: true, Contained: true,
	})
}

func perEventFunction(t *testing.T, script string) *runtimetest.Worker {
	t.Helper()
	d := runtimetest.NewDevice(t)
	f := d.Load(t, open(t, d), "function", runtimetest.Source{Configuration: perEvent, Files: map[string]string{"function.sh": "#!/bin/sh\n" + script}})
	return f.Start(t)
}

// An event finds its attributes in the environment.
func TestPerEventAttributes(t *testing.T) {
	w := perEventFunction(t, `printf "%s %s" "$FESCUE_EVENT_SUBJECT" "$FESCUE_EVENT_DATACONTENTTYPE"`)
	w.Answers(t, "", "suite/in text/plain")
}

// What a program leaves running is ended with its event, and does not hold it up.
func TestPerEventLeavesNothing(t *testing.T) {
	w := perEventFunction(t, `case $(cat) in start) sleep 1000 & echo started ;; *) pgrep -c sleep || true ;; esac`)
	w.Answers(t, "start", "started\n")
	for deadline := time.Now().Add(runtimetest.Patience); ; time.Sleep(20 * time.Millisecond) {
		left, err := w.Call("count", runtimetest.Patience)
		if err == nil && left == "0\n" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q processes are left, %v", left, err)
		}
	}
}

// A program that prints more than can be sent is ended, however much it prints.
func TestPerEventPrintsTooMuch(t *testing.T) {
	w := perEventFunction(t, "yes")
	if got, err := w.Call("", runtimetest.Patience); err == nil || !strings.Contains(err.Error(), "TooLarge") {
		t.Errorf("answered %d bytes, %v", len(got), err)
	}
}

// When the time is up, the program is ended, and the worker serves on.
func TestPerEventTimeOutEndsTheProgram(t *testing.T) {
	w := perEventFunction(t, `case $(cat) in hang) sleep 1000 ;; *) pgrep -c sleep || true ;; esac`)
	if _, err := w.Call("hang", 200*time.Millisecond); !fail.Is(err, fail.Timeout) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), runtimetest.Patience)
	defer cancel()
	if err := w.Settle(ctx); err != nil {
		t.Fatalf("the worker does not settle: %v", err)
	}
	w.Answers(t, "count", "0\n")
}
