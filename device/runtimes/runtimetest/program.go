package runtimetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"fescue.dev/fescue/device/runtimes/worker"
)

// Programs are the suite's function as a program that speaks the protocol, and one that cannot be loaded, under the
// names by which a test's binary is started as them.
func Programs() map[string]worker.Program {
	return map[string]worker.Program{
		"function": worker.Function(func(h *worker.Host, _ []string) (worker.Handler, error) { return Verbs{h}.Handle, nil }),
		"broken":   worker.Function(func(*worker.Host, []string) (worker.Handler, error) { return nil, errors.New("there is no model") }),
	}
}

// Verbs is the suite's function: an event is a verb and what it is about.
type Verbs struct{ Host *worker.Host }

// Handle does what the event says.
func (v Verbs) Handle(ctx context.Context, e worker.Event) ([]byte, error) {
	verb, rest, _ := strings.Cut(string(e.Payload), " ")
	switch verb {
	case "echo":
		return []byte(rest), nil
	case "fail":
		return nil, &worker.Failure{Type: "Broken", Message: rest, Stack: "in handle"}
	case "sleep":
		ms, err := strconv.Atoi(rest)
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return []byte("slept"), err
	case "print":
		fmt.Fprintln(os.Stdout, "out", rest)
		fmt.Fprintln(os.Stderr, "err", rest)
		return nil, nil
	case "exit":
		status, _ := strconv.Atoi(rest)
		os.Exit(status)
	case "read":
		return os.ReadFile(rest)
	case "write":
		return nil, os.WriteFile(rest, []byte("x"), 0o644)
	case "variable":
		return []byte(os.Getenv(rest)), nil
	case "topic":
		return []byte(e.Attributes["subject"]), nil
	case "publish":
		return nil, v.Host.Publish(ctx, rest, []byte("published"))
	case "log":
		return nil, v.Host.Log(2, rest)
	}
	return nil, errors.New("no verb " + verb)
}
