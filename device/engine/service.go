package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// service is an application made of commands that keep running: each is started
// again whenever it ends.
type service struct {
	troubles
	launcher *launcher
	commands []spec.Command

	running context.Context // until stop
	cancel  context.CancelFunc
	group   sync.WaitGroup
	ended   chan string // the first end of each command
}

func newService(l *launcher) *service {
	s := &service{launcher: l, commands: longRunning(l.config), troubles: troubles{log: l.log}}
	s.running, s.cancel = context.WithCancel(context.Background()) // it outlives what started it: stop ends it
	s.ended = make(chan string, len(s.commands))
	return s
}

// longRunning are the commands that are not waited for.
func longRunning(c *spec.Configuration) []spec.Command {
	var commands []spec.Command
	for _, command := range c.Commands {
		if !command.Wait {
			commands = append(commands, command)
		}
	}
	return commands
}

func (s *service) begin(ctx context.Context) error {
	for i, c := range s.commands {
		p, err := s.launcher.start(ctx, s.launcher.command(c), nil)
		if err != nil {
			return fail.Wrap(err, fail.Invalid, "start command", shorten(c.Run))
		}
		s.group.Go(func() { s.supervise(i, p) })
	}
	return nil
}

func (s *service) keep() {
	for i := range s.commands {
		s.group.Go(func() { s.supervise(i, nil) })
	}
}

// healthy waits for as long as the commands must stay up.
func (s *service) healthy(ctx context.Context) error {
	if len(s.commands) == 0 {
		return nil
	}
	t := time.NewTimer(s.launcher.application.engine.Timing.Healthy)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case what := <-s.ended:
		return fail.New(fail.Invalid, "watch service", "%s, and it should keep running", what).
			WithHint("See its last output. A command that is meant to end needs `wait: true`.")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// supervise keeps one command running until stop. p is its program if it was
// started already.
func (s *service) supervise(part int, p *program) {
	t := s.launcher.application.engine.Timing
	pauses := backoff{first: t.FirstPause, longest: t.LongestPause, window: t.Window}
	for s.running.Err() == nil {
		what := s.attend(part, p)
		p = nil
		if s.running.Err() != nil {
			return
		}
		select {
		case s.ended <- what:
		default:
		}
		pause, count := pauses.next(time.Now())
		s.troubles.ended(part, what, pause.String(), count)
		if !wait(s.running, pause) {
			return
		}
	}
}

// attend starts the program, if p is nil, and waits for its end, which it tells.
func (s *service) attend(part int, p *program) string {
	c := s.commands[part]
	if p == nil {
		var err error
		if p, err = s.launcher.start(s.running, s.launcher.command(c), nil); err != nil {
			return fmt.Sprintf("command %q cannot be started: %v", shorten(c.Run), err)
		}
	}
	up := time.NewTimer(s.launcher.application.engine.Timing.Healthy)
	defer up.Stop()
	for {
		select {
		case <-up.C:
			s.troubles.up(part)
		case <-p.done:
			return fmt.Sprintf("command %q %s", shorten(c.Run), p.exit)
		case <-s.running.Done():
			p.stop(s.launcher.application.engine.grace())
			return ""
		}
	}
}

func (s *service) stop() []*call {
	s.cancel()
	s.group.Wait()
	return nil
}

// shorten makes a command fit into a message.
func shorten(run string) string {
	if runes := []rune(run); len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return run
}
