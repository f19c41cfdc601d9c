package jail

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/fail"
)

// startTarget starts the program. Rights are given up by one thread, which forks
// the program and then ends: what belongs to threads (user, capabilities,
// no_new_privs, seccomp, Landlock, v1 control groups) is inherited from it, and the
// helper keeps the rights to supervise without a window in which the program
// has them.
// socket is a fork server's, or -1; so is the listener of the filter.
func startTarget(p *Plan, tasks []int, socket int) (pid, listener int, err error) {
	type result struct {
		pid, listener int
		err           error
	}
	started := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		pid, listener, err := forkConfined(p, tasks, socket)
		started <- result{pid, listener, err}
	}()
	r := <-started
	return r.pid, r.listener, r.err
}

func forkConfined(p *Plan, tasks []int, socket int) (pid, listener int, err error) {
	for i, fd := range tasks {
		if _, err := unix.Write(fd, []byte("0")); err != nil { // "0" is the writing thread
			return 0, -1, because(err, "enter control group", p.TaskFiles[i])
		}
	}
	if err := setLimits(p.Limits, 0, inherited); err != nil {
		return 0, -1, err
	}
	if listener, err = giveUpRights(p); err != nil {
		return 0, -1, err
	}
	if err := unix.Chdir(p.Dir); err != nil {
		return 0, -1, because(err, "enter working directory", p.Dir)
	}
	program, err := lookUp(p.Argv[0], p.Env)
	if err != nil {
		return 0, -1, err
	}
	files := []uintptr{0, 1, 2}
	for fd := FilesFD; fd < FilesFD+p.Files; fd++ {
		files = append(files, uintptr(fd))
	}
	if socket >= 0 {
		files = append(files, uintptr(socket))
	}
	lift, err := lendLimits(p.Limits)
	if err != nil {
		return 0, -1, err
	}
	pid, err = syscall.ForkExec(program, p.Argv, &syscall.ProcAttr{
		Env: p.Env, Files: files, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	lift()
	if err != nil {
		return 0, -1, executeFailure(err, program)
	}
	// A program that has ended already needs no limits.
	if err := setLimits(p.Limits, pid, notInherited); err != nil && !errors.Is(err, unix.ESRCH) {
		_ = unix.Kill(pid, unix.SIGKILL)
		return 0, -1, err
	}
	return pid, listener, nil
}

// inherited limits are set before the fork; they do the helper no harm.
func inherited(resource int) bool { return !notInherited(resource) }

// notInherited limits are those that stand in for missing control groups. The helper's Go
// runtime dies when it gets no memory or thread, and cannot raise a hard limit again
// that it has lowered: it lends the program its soft limit for the fork, and
// the hard one is set on the program after it.
func notInherited(resource int) bool {
	return resource == unix.RLIMIT_DATA || resource == unix.RLIMIT_NPROC
}

// lendLimits has the helper itself under the soft limits that are not inherited, until lift is
// called: what is forked meanwhile is under them from its first instruction on.
func lendLimits(limits []Limit) (lift func(), err error) {
	before := map[int]unix.Rlimit{}
	lift = func() {
		for resource, l := range before {
			_ = unix.Prlimit(0, resource, &l, nil) // up to the hard limit needs no right
		}
	}
	for _, l := range limits {
		if !notInherited(l.Resource) {
			continue
		}
		var now unix.Rlimit
		if err = unix.Prlimit(0, l.Resource, nil, &now); err == nil {
			before[l.Resource] = now
			err = unix.Prlimit(0, l.Resource, &unix.Rlimit{Cur: min(l.Value, now.Cur), Max: now.Max}, nil)
		}
		if err != nil {
			lift()
			return nil, because(err, "set resource limit", "")
		}
	}
	return lift, nil
}

// setLimits sets the chosen limits on a process; 0 is this one.
func setLimits(limits []Limit, pid int, chosen func(resource int) bool) error {
	for _, l := range limits {
		if !chosen(l.Resource) {
			continue
		}
		var now unix.Rlimit
		if err := unix.Prlimit(pid, l.Resource, nil, &now); err != nil {
			return because(err, "read resource limit", "")
		}
		value := min(l.Value, now.Max) // lowering needs no right
		if err := unix.Prlimit(pid, l.Resource, &unix.Rlimit{Cur: value, Max: value}, nil); err != nil {
			return because(err, "set resource limit", "")
		}
	}
	return nil
}

// lookUp finds a program in the PATH of env, with the program's own rights.
func lookUp(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	path := "/usr/local/bin:/usr/bin:/bin"
	for _, e := range env {
		if value, is := strings.CutPrefix(e, "PATH="); is {
			path = value
		}
	}
	for _, dir := range filepath.SplitList(path) {
		candidate := filepath.Join(dir, name)
		info, err := os.Stat(candidate)
		if err == nil && info.Mode().IsRegular() && unix.Access(candidate, unix.X_OK) == nil {
			if !strings.Contains(candidate, "/") {
				candidate = "./" + candidate
			}
			return candidate, nil
		}
	}
	return "", fail.New(fail.NotFound, "start program", "program not found in PATH=%s", path).On(name).
		WithHint("Install it on the device, write its whole path, or set PATH in the configuration's environment.")
}

// executeFailure says what it was that execve refused.
func executeFailure(err error, program string) error {
	f := because(err, "start program", program).(*fail.Error)
	info, statErr := os.Stat(program)
	switch {
	case errors.Is(err, unix.ENOENT) && statErr == nil:
		return f.WithHint("The file is there, but the interpreter it names (its first line, or the loader of its libraries) is not, or is not visible to the application.")
	case errors.Is(err, unix.ENOENT):
		return f.WithHint("There is no such program, or it is not visible to the application: check the command and the contents of the artifact.")
	case errors.Is(err, unix.EACCES) && statErr == nil && info.IsDir():
		return f.WithHint("It is a directory, not a program.")
	case errors.Is(err, unix.EACCES):
		return f.WithHint("It is not executable for the application's user: set its mode to 0755 before packing it.")
	case errors.Is(err, unix.ENOEXEC):
		f.Kind = fail.Invalid
		return f.WithHint("It is no program that this device can run: a script needs a first line like #!/bin/sh, a binary must be built for this processor.")
	case errors.Is(err, unix.E2BIG):
		f.Kind = fail.TooLarge
		return f.WithHint("Arguments and environment together are too long: pass large values in a file.")
	case errors.Is(err, unix.EAGAIN):
		return f.WithHint("The application has as many processes as limits.processes allows.")
	}
	return f
}
