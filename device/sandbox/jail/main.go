package jail

import (
	"encoding/json"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/fail"
)

// Name is the name (argv[0]) under which the binary is the helper.
const Name = "fescue-sandbox"

// The helper begins, and ends, while the binary initializes: what server and broker
// prepare for themselves, in each process, takes longer than all that the helper does.
func init() { //nolint:gochecknoinits // see above: a start of every program waits for it
	if len(os.Args) > 0 && os.Args[0] == Name {
		os.Exit(run())
	}
}

// run is the helper's whole life; it returns the status to exit with.
func run() int {
	syscall.Umask(0o022)
	control, err := openControl()
	if err != nil {
		return 125 // no one to tell: the agent sees the end of the socket
	}
	if err := control.takeFiles(); err != nil {
		return 125 // nobody wanted a program
	}
	plan, err := readPlan()
	if err != nil {
		return control.fail(err)
	}
	super := newSupervisor(control, plan)
	tasks, err := prepare(plan)
	if err != nil {
		return control.fail(err)
	}
	sockets, err := openDoors(plan.Doors)
	if err != nil {
		return control.fail(err)
	}
	control.handOver(sockets)
	if !super.waitForGo() {
		return 125
	}
	if plan.Probe {
		control.send(Message{})
		return 0
	}
	socket := -1
	if plan.Forks {
		if super.forks, socket, err = newForks(control); err != nil {
			return control.fail(err)
		}
	}
	pid, listener, err := startTarget(plan, tasks, socket)
	if err != nil {
		return control.fail(err)
	}
	letGo(plan.Files)
	super.forks.begin(socket, pid)
	control.send(Message{Pid: pid})
	look := newLookout(control, plan, listener)
	status := super.supervise(pid)
	look.report()
	exit := int(status)
	control.send(Message{Exit: &exit})
	return exitStatus(status)
}

// exitStatus is what a shell would exit with.
func exitStatus(s syscall.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}

func readPlan() (*Plan, error) {
	f := os.NewFile(PlanFD, "plan")
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, because(err, "read plan", "")
	}
	var p Plan
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fail.Wrap(err, fail.Internal, "read plan", "")
	}
	return &p, nil
}

// prepare does what concerns the helper as a whole, while it still has the
// rights to. It gives the open task files of the program's control groups.
func prepare(p *Plan) (tasks []int, err error) {
	// Nobody of the same user looks into this process, its memory or descriptors.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return nil, because(err, "protect helper", "")
	}
	if err := closeOnExec(ControlFD); err != nil {
		return nil, because(err, "close descriptors", "")
	}
	if p.Loopback {
		if err := loopbackUp(); err != nil {
			return nil, because(err, "set up network interface", "lo")
		}
	}
	for _, path := range p.TaskFiles {
		fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, because(err, "open control group", path)
		}
		tasks = append(tasks, fd)
	}
	switch {
	case p.Root != "":
		return tasks, buildRoot(p)
	case p.Proc:
		remountProc()
	}
	return tasks, nil
}

// letGo closes the helper's copies of the program's descriptors, so that their
// other ends see the program's end.
func letGo(files int) {
	if null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil {
		for fd := range 3 {
			_ = unix.Dup3(null, fd, 0)
		}
		_ = unix.Close(null)
	} else {
		for fd := range 3 {
			_ = unix.Close(fd)
		}
	}
	for fd := FilesFD; fd < FilesFD+files; fd++ {
		_ = unix.Close(fd)
	}
	_ = unix.Chdir("/")
}
