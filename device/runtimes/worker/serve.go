package worker

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// linkFD is the descriptor of a worker's link.
const linkFD = 3

// serveInherited serves the link that the process was started with.
func serveInherited(load Loader, args []string) error {
	unix.CloseOnExec(linkFD) // programs that the handler starts must not speak for it
	f := os.NewFile(linkFD, "link")
	conn, err := net.FileConn(f)
	if err != nil {
		return fail.New(fail.Invalid, "serve function", "descriptor %d is no link: %w", linkFD, err).
			WithHint("This is how the agent starts functions; it is no command for people.")
	}
	_ = f.Close() // conn has its own
	return Serve(conn, os.Getenv("FESCUE_APPLICATION"), load, args)
}

// Serve says HELLO, loads the handler, and calls it until GOODBYE.
func Serve(conn io.ReadWriter, name string, load Loader, args []string) error {
	s := &server{host: newHost(conn), running: map[uint32]context.CancelFunc{}}
	hello := wire.HelloBody{
		Lowest: wire.Version, Highest: wire.Version, Capabilities: wire.Functions | wire.Logs | wire.State,
		MaxBody: wire.MaxLength, Client: []byte(name),
	}
	if err := s.host.send(wire.AppendHello(nil, hello)); err != nil {
		return err
	}
	frames := wire.NewReader(conn, wire.MaxLength)
	if err := s.welcome(frames); err != nil {
		return err
	}
	handler, err := load(s.host, args)
	if err != nil {
		f := failureOf(err)
		_ = s.host.send(wire.AppendFailure(nil, 0, f.Type, f.Message, f.Stack))
		return errors.New("the handler cannot be loaded: " + f.Message)
	}
	s.handler = handler
	if err := s.host.send(wire.AppendPlain(nil, wire.Ready, 0, "")); err != nil {
		return err
	}
	return s.run(frames)
}

// welcome waits for the greeting: afterwards the broker reads on whatever comes.
func (s *server) welcome(frames *wire.Reader) error {
	f, err := frames.Next()
	if err != nil {
		return err
	}
	body, err := f.Welcome()
	if err != nil {
		return err
	}
	s.host.mu.Lock()
	s.host.maxBody, s.host.agreed = int(body.MaxBody), body.Capabilities
	s.host.mu.Unlock()
	return nil
}

// server is a worker in its loop.
type server struct {
	host    *Host
	handler Handler
	group   sync.WaitGroup

	mu      sync.Mutex
	running map[uint32]context.CancelFunc
}

func (s *server) run(frames *wire.Reader) error {
	for {
		f, err := frames.Next()
		if err != nil {
			return fail.Wrap(err, fail.Unavailable, "read from Data Xchange", "")
		}
		switch f.Type {
		case wire.Goodbye:
			return s.finish(frames)
		default:
			if err := s.take(f); err != nil {
				return err
			}
		}
	}
}

// finish lets the invocations under way end; what they publish is still answered.
func (s *server) finish(frames *wire.Reader) error {
	done, gone := make(chan struct{}), make(chan error, 1)
	go func() { s.group.Wait(); close(done) }()
	go func() {
		for {
			f, err := frames.Next()
			if err == nil {
				err = s.take(f)
			}
			if err != nil {
				gone <- err
				return
			}
		}
	}()
	select {
	case <-done:
		return nil
	case err := <-gone:
		return fail.Wrap(err, fail.Unavailable, "read from Data Xchange", "")
	}
}

func (s *server) take(f wire.Frame) error {
	switch f.Type {
	case wire.Invoke:
		return s.invoke(f)
	case wire.Cancel:
		s.cancel(f.ID)
	case wire.Ping:
		return s.host.send(wire.AppendPlain(nil, wire.Pong, f.ID, f.Body))
	case wire.OK, wire.Stored:
		s.host.settle(f.ID, answer{})
	case wire.Value:
		v, err := f.Value()
		s.host.settle(f.ID, answer{value: append([]byte(nil), v.Value...), err: err})
	case wire.Error:
		e, err := f.Error()
		if err != nil {
			return err
		}
		switch e.Refused {
		case wire.PublishTo, wire.Get, wire.Put, wire.Delete:
			s.host.settle(f.ID, answer{err: &Refusal{e.Code, string(e.Text)}})
		}
	}
	return nil
}

func (s *server) invoke(f wire.Frame) error {
	body, err := f.Invoke()
	if err != nil {
		return err
	}
	e := Event{Attributes: make(map[string]string, body.Count), Payload: append([]byte(nil), body.Payload...)}
	for name, value := range body.Attributes() {
		e.Attributes[string(name)] = string(value)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.mu.Lock()
	s.running[f.ID] = cancel
	s.mu.Unlock()
	id := f.ID
	s.group.Go(func() {
		result, err := s.handler(ctx, e)
		if err != nil && ctx.Err() != nil {
			err = &Failure{Type: wire.Cancelled, Message: err.Error()}
		}
		s.cancel(id)
		s.answer(id, result, err)
	})
	return nil
}

func (s *server) cancel(id uint32) {
	s.mu.Lock()
	cancel := s.running[id]
	delete(s.running, id)
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// answer sends RESULT or FAILURE. That the link is gone is found by reading.
func (s *server) answer(id uint32, result []byte, err error) {
	limit := s.host.MaxBody()
	if err == nil && len(result) > limit {
		err = &Failure{Type: "TooLarge", Message: "the answer is larger than the broker accepts"}
	}
	if err == nil {
		_ = s.host.send(wire.AppendPlain(nil, wire.Result, id, result))
		return
	}
	f := failureOf(err)
	over := len(f.Type) + len(f.Message) + len(f.Stack) + 4 - limit
	f.Stack = f.Stack[:len(f.Stack)-min(max(over, 0), len(f.Stack))]
	_ = s.host.send(wire.AppendFailure(nil, id, f.Type, f.Message, f.Stack))
}

// failureOf is an error as the protocol tells it.
func failureOf(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		c := *f
		return &c
	}
	kind := "Error"
	if k := fail.KindOf(err); k != fail.Internal {
		kind = k.String()
	}
	text := err.Error()
	if hint := fail.HintOf(err); hint != "" {
		text += "; " + hint
	}
	return &Failure{Type: kind, Message: text}
}
