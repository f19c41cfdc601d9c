package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/device/sandbox/cgroup"
	"fescue.dev/fescue/device/sandbox/jail"
	"fescue.dev/fescue/fail"
)

// startLimit bounds a start whose context has no deadline: a helper needs
// milliseconds, unless a file system hangs.
const startLimit = time.Minute

// helper is a running helper, seen from the agent.
type helper struct {
	process *os.Process // signalled and waited for by pidfd, where the kernel has them
	control *control
	init    bool // of a PID namespace: its end is everybody's end
	target  int  // the program's process id; 0 for a probe
}

// launch has a helper start its program, and waits until that runs or could not be run.
func (s *Sandbox) launch(ctx context.Context, l level, plan *jail.Plan, o Options, g *cgroup.Group) (*helper, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	h := s.reserve.take(l)
	if h != nil {
		err := h.run(ctx, plan, o, g)
		if err == nil {
			s.reserve.refill(l)
			return h, nil
		}
		h.end()
		if !errors.Is(err, errGone) { // else somebody has ended it while it waited
			return nil, launchFailure(ctx, err, plan)
		}
	}
	h, err := s.spawn(ctx, l)
	if err != nil {
		return nil, err
	}
	if err := h.run(ctx, plan, o, g); err != nil {
		h.end()
		return nil, launchFailure(ctx, err, plan)
	}
	if l.confine && !plan.Probe {
		s.reserve.refill(l)
	}
	return h, nil
}

func launchFailure(ctx context.Context, err error, plan *jail.Plan) error {
	if ctx.Err() != nil {
		return fail.Wrap(ctx.Err(), fail.Timeout, "start program", plan.Argv[0])
	}
	return err
}

// errGone is a helper that does not take its plan, or ends without a word.
var errGone = errors.New("the helper has ended")

// run gives the helper its plan and lets it start the program.
func (h *helper) run(ctx context.Context, plan *jail.Plan, o Options, g *cgroup.Group) error {
	text, err := planFile(plan)
	if err != nil {
		return fail.Wrap(err, fail.Exhausted, "start program", plan.Argv[0])
	}
	defer text.Close()
	files, closeNull, err := standardFiles(o)
	if err != nil {
		return fail.Wrap(err, fail.Exhausted, "start program", plan.Argv[0])
	}
	defer closeNull()
	if err := h.control.hand([]byte{jail.CommandPlan}, slices.Concat([]*os.File{text}, files, o.Files)); err != nil {
		return fail.New(fail.Internal, "start program", "%w: %w", errGone, err).On(plan.Argv[0])
	}
	return h.begin(ctx, g)
}

// begin lets the helper start its program, within the group.
func (h *helper) begin(ctx context.Context, g *cgroup.Group) error {
	stop := context.AfterFunc(ctx, h.control.interrupt)
	defer stop()
	if g != nil {
		if err := g.Add(h.process.Pid); err != nil {
			return err
		}
	}
	h.control.command(jail.CommandGo)
	m, pid, err := h.control.receive()
	if err == nil && m.Doors > 0 {
		m, pid, err = h.control.receive()
	}
	switch {
	case err != nil:
		return fail.New(fail.Internal, "start program", "%w without a word: %w", errGone, err).
			WithHint("See the application's log for what it wrote, and the kernel's for a killed process.")
	case m.Failure != nil:
		return m.Failure.Err()
	case m.Exit != nil:
		return fail.New(fail.Internal, "start program", "the helper tells an exit before a start")
	}
	h.target = pid
	if !h.init {
		h.target = m.Pid // it needs no translation
	}
	if g != nil {
		return g.TakeBack(h.process.Pid)
	}
	return nil
}

// end kills the helper, and what it may have started, and collects it.
func (h *helper) end() {
	h.control.command(jail.CommandKill)
	_ = h.process.Kill()
	_, _ = h.process.Wait()
	h.control.close()
}

// spawn executes a helper in its namespaces; it waits for its plan.
func (s *Sandbox) spawn(ctx context.Context, l level) (*helper, error) {
	control, theirs, err := newControl()
	if err != nil {
		return nil, fail.Wrap(err, fail.Exhausted, "start helper", "")
	}
	defer theirs.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		control.close()
		return nil, fail.Wrap(err, fail.Exhausted, "start helper", "")
	}
	defer null.Close()
	files := slices.Repeat([]*os.File{null}, jail.FilesFD+jail.MaxFiles)
	files[jail.ControlFD] = theirs
	process, err := s.spawner.start(ctx, &os.ProcAttr{
		Dir: "/",
		// The helper's own environment: the heap stays below a megabyte, and one
		// processor makes the runtime start faster and smaller.
		Env:   []string{s.instance.marker(), "GOGC=off", "GOMAXPROCS=1"},
		Files: files, Sys: attributes(l),
	})
	if err != nil {
		control.close()
		return nil, spawnFailure(err)
	}
	return &helper{process: process, control: control, init: l.pid}, nil
}

func spawnFailure(err error) error {
	var f *fail.Error
	if errors.As(err, &f) {
		return err
	}
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EMFILE):
		return fail.New(fail.Exhausted, "start program", "no new process: %w", err).
			WithHint("The device has no more processes, memory, descriptors or namespaces: stop something, or raise the agent's limits.")
	}
	return fail.Wrap(err, fail.Internal, "start helper", "")
}

// attributes are the namespaces of the helper. Without a PID namespace it must
// outlive the agent for the moment that it needs to end its descendants.
func attributes(l level) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true, Cloneflags: l.cloneFlags()}
	if l.pid {
		a.Pdeathsig = syscall.SIGKILL
	}
	if a.Cloneflags&unix.CLONE_NEWUSER != 0 {
		// The user stays the same inside: files keep their owner. What root could do
		// comes as ambient capabilities, over the new namespaces alone.
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
		a.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_SETPCAP}
	}
	return a
}

// planFile is an unnamed file in memory: neither argument nor environment of a
// process can be read by others, nor is there a file to be left over.
func planFile(plan *jail.Plan) (*os.File, error) {
	text, err := json.Marshal(plan)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("fescue-plan", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "plan")
	if _, err = bytes.NewReader(text).WriteTo(f); err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// standardFiles are descriptors 0 to 2.
func standardFiles(o Options) (files []*os.File, closeNull func(), err error) {
	files = []*os.File{o.Stdin, o.Stdout, o.Stderr}
	var null *os.File
	for i, f := range files {
		if f != nil {
			continue
		}
		if null == nil {
			if null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
				return nil, nil, err
			}
		}
		files[i] = null
	}
	return files, func() {
		if null != nil {
			null.Close()
		}
	}, nil
}
