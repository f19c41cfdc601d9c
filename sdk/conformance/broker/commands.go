package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// command is one line of standard input; one of its fields is set. The answer
// is {} or {"error": …, "kind": …}, with what the field's comment says.
type command struct {
	Grant  *grant     `json:"grant"`  // permissions given or replaced
	Revoke *spec.Name `json:"revoke"` // an application's sessions are closed
	Worker *worker    `json:"worker"` // a function's worker is started; answered when it is ready, or has ended
	Invoke *invoke    `json:"invoke"` // the function is called: "result", or "type", "error", "stack" of its exception
	Stop   *spec.Name `json:"stop"`   // the worker is asked to exit: "status"
	Logs   *struct{}  `json:"logs"`   // what was logged through frames: "logs", of [application, level, text]
	Links  *spec.Name `json:"links"`  // the links of the application's sessions: "links"
}

type worker struct {
	Name spec.Name `json:"name"` // must have been granted something
	Argv []string  `json:"argv"`
	Dir  string    `json:"dir"`
	Env  []string  `json:"env"` // added to this process's; the link is descriptor 3
}

type invoke struct {
	Name       spec.Name   `json:"name"`
	Timeout    int         `json:"timeout"` // ms
	Attributes [][2]string `json:"attributes"`
	Payload    []byte      `json:"payload"` // base64
}

type answer struct {
	Result []byte  `json:"result,omitempty"` // base64
	Type   string  `json:"type,omitempty"`
	Error  string  `json:"error,omitempty"`
	Kind   string  `json:"kind,omitempty"`
	Stack  string  `json:"stack,omitempty"`
	Status *int    `json:"status,omitempty"`
	Logs   [][]any `json:"logs,omitempty"`

	Links []string `json:"links,omitempty"`
}

type broker struct {
	router  *exchange.Router
	log     *slog.Logger
	mu      sync.Mutex
	logs    [][]any
	workers map[spec.Name]*running
}

// running is a worker's process.
type running struct {
	worker *exchange.Worker
	cmd    *exec.Cmd
	ended  chan struct{} // closed when both the process and its session are over
}

func newBroker(o options) (*broker, error) {
	b := &broker{log: slog.New(slog.NewTextHandler(os.Stderr, nil)), workers: map[spec.Name]*running{}}
	b.router = exchange.New(exchange.Options{Device: spec.DeviceID(o.Device), Log: b.log, OnLog: b.onLog})
	if err := b.router.OpenStores(filepath.Join(o.Dir, "stores")); err != nil {
		return nil, err
	}
	for _, g := range o.Grants {
		if err := b.grant(g); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *broker) onLog(app spec.Name, level int, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.logs = append(b.logs, []any{app, level, text})
}

func (b *broker) serve(ctx context.Context, c exchange.Conn) {
	if err := b.router.Serve(ctx, c); err != nil && ctx.Err() == nil {
		b.log.Info("session ended", "reason", err)
	}
}

// obey answers commands until there are no more.
func (b *broker) obey(ctx context.Context, lines *bufio.Scanner, answers *json.Encoder) {
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c command
		var a answer
		err := json.Unmarshal(lines.Bytes(), &c)
		if err == nil {
			a, err = b.do(ctx, c)
		}
		if err != nil {
			a.Error, a.Kind = err.Error(), fail.KindOf(err).String()
		}
		if answers.Encode(a) != nil {
			return
		}
	}
}

func (b *broker) do(ctx context.Context, c command) (answer, error) {
	switch {
	case c.Grant != nil:
		return answer{}, b.grant(*c.Grant)
	case c.Links != nil:
		return answer{Links: b.links(*c.Links)}, nil
	case c.Revoke != nil:
		b.router.Revoke(*c.Revoke)
		return answer{}, nil
	case c.Worker != nil:
		return answer{}, b.start(ctx, *c.Worker)
	case c.Invoke != nil:
		return b.invoke(ctx, *c.Invoke)
	case c.Stop != nil:
		return b.stop(*c.Stop)
	case c.Logs != nil:
		b.mu.Lock()
		defer b.mu.Unlock()
		return answer{Logs: b.logs}, nil
	}
	return answer{}, errors.New("no such command")
}

func (b *broker) grant(g grant) error {
	r := spec.Resources{Subscribe: g.Subscribe, Publish: g.Publish, Keep: g.Keep}
	return b.router.Grant(g.Name, r, exchange.Credential{Token: g.Token, UID: -1})
}

func (b *broker) start(ctx context.Context, w worker) error {
	conn, end, err := unix.Pair()
	if err != nil {
		return err
	}
	defer end.Close() // the process has its own
	cmd := exec.Command(w.Argv[0], w.Argv[1:]...)
	cmd.Dir, cmd.Env = w.Dir, append(os.Environ(), w.Env...)
	cmd.Env = append(cmd.Env, "FESCUE_WORKER_FD=3", "FESCUE_APPLICATION="+string(w.Name))
	cmd.ExtraFiles = []*os.File{end}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	r := &running{cmd: cmd, ended: make(chan struct{})}
	r.worker = b.router.Worker(conn, w.Name, exchange.WorkerOptions{
		OnLog: func(level int, text string) { b.onLog(w.Name, level, text) },
	})
	b.workers[w.Name] = r
	go func() {
		defer close(r.ended)
		_ = r.worker.Run(ctx) // how the process ended says more
		_ = cmd.Wait()
	}()
	select {
	case <-r.worker.Ready():
		return nil
	case <-r.ended:
		return fmt.Errorf("the worker ended: %v", cmd.ProcessState)
	}
}

func (b *broker) invoke(ctx context.Context, i invoke) (answer, error) {
	r := b.workers[i.Name]
	if r == nil {
		return answer{}, errors.New("no such worker")
	}
	event := exchange.Invocation{Timeout: time.Duration(i.Timeout) * time.Millisecond, Payload: i.Payload}
	for _, a := range i.Attributes {
		event.Attributes = append(event.Attributes, exchange.Attribute{Name: a[0], Value: a[1]})
	}
	result, err := r.worker.Invoke(ctx, event)
	var exception *exchange.HandlerError
	if errors.As(err, &exception) {
		return answer{Type: exception.Type, Stack: exception.Stack}, errors.New(exception.Message)
	}
	return answer{Result: result}, err
}

func (b *broker) stop(name spec.Name) (answer, error) {
	r := b.workers[name]
	if r == nil {
		return answer{}, errors.New("no such worker")
	}
	r.worker.Stop()
	<-r.ended
	delete(b.workers, name)
	status := r.cmd.ProcessState.ExitCode()
	return answer{Status: &status}, nil
}

// endWorkers leaves no process behind.
func (b *broker) endWorkers() {
	for _, r := range b.workers {
		_ = r.cmd.Process.Kill() // it may have ended
		<-r.ended
	}
}

// links are those of an application's sessions.
func (b *broker) links(app spec.Name) (links []string) {
	for _, a := range b.router.Stats().Applications {
		if a.Application == app {
			for _, s := range a.Sessions {
				links = append(links, s.Link)
			}
		}
	}
	return links
}
