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
	s := &service{launcher: l, commands: longRunning(l.config), troubles: troubles{log: l.log, activity: &l.application.activity}}
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
	s.launcher.application.forgetJoins()
	for i, c := range s.commands {
		p, err := s.launcher.start(ctx, s.launcher.command(c), nil)
		if err != nil {
			return fail.Wrap(err, fail.Invalid, "start command", shorten(c.Run))
		}
		s.group.Go(func() { s.supervise(i, p) })
	}
	s.watchHealth()
	return nil
}

func (s *service) keep() {
	for i := range s.commands {
		s.group.Go(func() { s.supervise(i, nil) })
	}
	s.watchHealth()
}

func (s *service) watchHealth() {
	if s.launcher.config.Health.Interval > 0 {
		s.group.Go(func() { s.launcher.watchHealth(s.running, &s.troubles, s.launcher.askCommand) })
	}
}

// healthy waits until the commands have settled: as many clients of the application
// have connected to Data Xchange as it has commands, or all have stayed up for their
// time. One that ends meanwhile is an error.
func (s *service) healthy(ctx context.Context) error {
	settled := time.NewTimer(s.settle())
	defer settled.Stop()
	for missing := len(s.commands); missing > 0; {
		select {
		case <-s.launcher.application.joins:
			missing--
		case <-settled.C:
			missing = 0
		case what := <-s.ended:
			return endedEarly(what)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	select { // a command may have connected and ended, or ended just in time
	case what := <-s.ended:
		return endedEarly(what)
	default:
		return nil
	}
}

func endedEarly(what string) error {
	return fail.New(fail.Invalid, "watch service", "%s, and it should keep running", what).
		WithHint("See its last output. A command that is meant to end needs `wait: true`.")
}

// settle is how long all commands must stay up.
func (s *service) settle() time.Duration {
	var longest time.Duration
	for _, c := range s.commands {
		longest = max(longest, settleTime(c))
	}
	return longest
}

// settleTime is that of one command. A desired state that an older server made has none.
func settleTime(c spec.Command) time.Duration {
	if c.Settle <= 0 {
		return time.Duration(spec.DefaultSettle)
	}
	return time.Duration(c.Settle)
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
	up := time.NewTimer(settleTime(c))
	defer up.Stop()
	for {
		select {
		case <-up.C:
			s.up(part)
		case <-p.done:
			return fmt.Sprintf("command %q %s", shorten(c.Run), p.exit)
		case <-s.running.Done():
			p.stop(s.launcher.application.engine.grace())
			return ""
		}
	}
}

func (s *service) activate() {} // nobody calls it

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
