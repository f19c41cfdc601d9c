package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/device/micro/module"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func (s *session) microSimulateCommand() *cobra.Command {
	board := "posix"
	c := &cobra.Command{
		Use:   "simulate DIRECTORY",
		Short: "Run a function with the micro agent on this machine, with virtual pins",
		Long: `Runs a built function as a microcontroller does: by the micro agent and its virtual machine, as the
process fescue-micro ('make micro' builds it), with the memory of a board. Each line of input is
an event; one that begins with a slash sets a virtual pin: '/gpio 2 1', '/adc 0 32768', and
'/i2c 0x48 0a1b' is what a device on the bus gives when it is read. What the function answers, publishes
and logs, and what it does with pins, is printed.`,
		Example: `  fescue build ./blink && fescue micro simulate ./blink
  echo 42 | fescue micro simulate ./roof --board mega`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error { return s.simulate(c.Context(), a[0], board) },
	}
	c.Flags().StringVar(&board, "board", board, "the board whose memory it has")
	return c
}

func (s *session) simulate(ctx context.Context, dir, board string) error {
	m, topic, err := s.simulated(ctx, dir, board)
	if err != nil {
		return err
	}
	events := micro.Events{
		Publish: func(_ spec.Name, t spec.Topic, p []byte) { fmt.Fprintf(s.Stdout, "publish %s %s\n", t, p) },
		Log: func(_ spec.Name, level uint32, text string) {
			fmt.Fprintf(s.Stdout, "log %s %s\n", [...]string{"debug", "info", "warning", "error"}[min(level, 3)], text)
		},
		Returned: func(spec.Name) {
			fmt.Fprintln(s.Stdout, "the first event trapped: a board would go back to the version before")
		},
	}
	pins := make(chan string, 16)
	return s.onSimulator(ctx, events, pins, func(ctx context.Context, b *micro.Board) (bool, error) {
		if err := b.Install(ctx, m); err != nil {
			return true, err
		}
		fmt.Fprintf(s.Stderr, "%s %s runs; each line is an event\n", m.Function, m.Version)
		return true, s.simulatedEvents(ctx, b, m, topic, pins)
	})
}

// simulated is the module of a directory for a board, and the topic of its first trigger.
func (s *session) simulated(ctx context.Context, dir, board string) (micro.Module, string, error) {
	const op = "simulate"
	facts, err := micro.BoardOf(board)
	if err != nil {
		return micro.Module{}, "", err
	}
	facts.Host |= micro.HostGPIO | micro.HostADC | micro.HostI2C // the virtual ones
	path := filepath.Join(dir, "fescue.yaml")
	text, err := readConfiguration(path)
	if err != nil {
		return micro.Module{}, "", err
	}
	c, err := spec.Decode(path, text)
	if err != nil {
		return micro.Module{}, "", err
	}
	file, _, _ := strings.Cut(c.Handler, ":")
	code, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file)))
	if err != nil {
		return micro.Module{}, "", fail.Wrap(err, fail.NotFound, op, file)
	}
	if err := micro.Check(ctx, code, c.Handler, facts); err != nil {
		return micro.Module{}, "", err
	}
	info, err := module.Read(ctx, code)
	if err != nil {
		return micro.Module{}, "", err
	}
	m := micro.ModuleOf(c, code, facts)
	if room := facts.Memory - micro.Need(info, facts) + info.Memory; m.Memory == 0 || m.Memory > room {
		m.Memory = room
	}
	topic := ""
	if len(c.Triggers) > 0 {
		topic = string(c.Triggers[0].Topic)
	}
	return m, topic, nil
}

// simulatedEvents reads lines of input until there are no more.
func (s *session) simulatedEvents(ctx context.Context, b *micro.Board, m micro.Module, topic string, pins chan<- string) error {
	for in := bufio.NewScanner(s.Stdin); in.Scan() && ctx.Err() == nil; {
		if line, isPin := strings.CutPrefix(in.Text(), "/"); isPin {
			pins <- line
			continue
		}
		reply, err := b.Invoke(ctx, m.Function, topic, in.Bytes(), time.Duration(m.Fuel)*time.Millisecond)
		var exception *exchange.HandlerError
		switch {
		case errors.As(err, &exception):
			fmt.Fprintf(s.Stdout, "failed %s: %s\n", exception.Type, exception.Message)
		case err != nil:
			return err
		default:
			fmt.Fprintf(s.Stdout, "reply %s\n", reply)
		}
	}
	return nil
}

// agentProgram finds the micro agent as a process: beside this program, or in PATH.
func agentProgram() (string, error) {
	const name = "fescue-micro"
	if own, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(own), name)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fail.New(fail.Unsupported, "simulate", "the program %s is not on this machine", name).
			WithHint("'make micro' in Fescue's sources builds it; put it beside fescue, or into a directory of PATH.")
	}
	return path, nil
}

// onSimulator starts the agent with an empty flash, and meets it. What is sent to pins
// are lines for its virtual pins.
func (s *session) onSimulator(ctx context.Context, ev micro.Events, pins <-chan string, f func(context.Context, *micro.Board) (bool, error)) error {
	const op = "simulate"
	program, err := agentProgram()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fescue-simulate-")
	if err != nil {
		return fail.Wrap(err, fail.Internal, op, "")
	}
	defer os.RemoveAll(dir)
	line := "unix:" + filepath.Join(dir, "line")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--id", "simulator", "--flash", filepath.Join(dir, "flash"), "--pins", line)
	cmd.Stdout, cmd.Stderr = s.Stdout, s.Stderr
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fail.Wrap(err, fail.Internal, op, program)
	}
	defer func() { cancel(); _ = cmd.Wait() }() // it was ended
	go func() {
		for {
			select {
			case pin := <-pins:
				if _, err := in.Write([]byte(pin + "\n")); err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return micro.Meeting{Line: line, Events: ev, Gateway: "simulator", Trouble: func(err error) { fmt.Fprintln(s.Stderr, err) }}.Run(ctx, f)
}
