package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// command makes the command that plays a role for messages of a size.
type command func(role string, size int) *exec.Cmd

// process is a part of a measurement. It says "ready", then answers each line of its input
// with a line of numbers.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	told   []string // the words after "ready"
	onStop func()
}

// start starts a part and waits until it is ready; it is killed with ctx. Descriptor 3 is
// inherited and closed here, if there is one.
func start(ctx context.Context, cmd *exec.Cmd, env []string, inherited *os.File) (*process, error) {
	if inherited != nil {
		defer inherited.Close() // the child has its own
		cmd.ExtraFiles = []*os.File{inherited}
	}
	cmd.Env = append(append(os.Environ(), cmd.Env...), env...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, in: in, out: bufio.NewReader(out)}
	context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() }) // it may be over
	line, err := p.out.ReadString('\n')
	words := strings.Fields(line)
	if err != nil || len(words) == 0 || words[0] != "ready" {
		p.stop()
		return nil, fmt.Errorf("%s did not start: it said %q, %w", cmd.Path, line, err)
	}
	p.told = words[1:]
	return p, nil
}

// ask gives a task and waits for the numbers that come of it.
func (p *process) ask(task string, n int) (numbers []int64, err error) {
	if _, err := fmt.Fprintf(p.in, "%s %d\n", task, n); err != nil {
		return nil, err
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the client ended: %w", err)
	}
	for _, word := range strings.Fields(line) {
		number, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, number)
	}
	return numbers, nil
}

// tick is the unit of /proc's processor times, on every Linux.
const tick = 10 * time.Millisecond

// cpu is the processor time used so far, in user and kernel mode.
func (p *process) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0 // it ended, and the next task fails
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, errUser := strconv.Atoi(fields[11])
	system, errSystem := strconv.Atoi(fields[12])
	if errors.Join(errUser, errSystem) != nil {
		return 0
	}
	return time.Duration(user+system) * tick
}

func (p *process) stop() {
	_ = p.in.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	killer := time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait() // that it was killed is no news
	killer.Stop()
	if p.onStop != nil {
		p.onStop()
	}
}

func socketPair() ([]*os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return []*os.File{os.NewFile(uintptr(fds[0]), "pair"), os.NewFile(uintptr(fds[1]), "pair")}, nil
}
