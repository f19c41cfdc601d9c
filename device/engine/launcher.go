package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"fescue.dev/fescue/device/logs"
	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/spec"
)

// launcher starts the programs of one version of an application.
type launcher struct {
	application *application
	release     *spec.DesiredApplication
	config      *spec.Configuration
	dir         string // the code
	log         *logs.Writer
	environment []string
	readOnly    []string
	worker      []string // argv of a function's worker; nil for services
	container   runtimes.Container
	forkServer  []string // argv of what workers are forked of; nil if they are not
}

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// launcher finds out what the programs of d need. What its dependencies ask for
// must be prepared.
func (a *application) launcher(ctx context.Context, d *spec.DesiredApplication) (*launcher, error) {
	l := &launcher{
		application: a, release: d, config: &d.Configuration, dir: a.versionPath(d), log: a.writer(d),
	}
	r, err := a.engine.runtime(d.Configuration.Runtime.Name())
	if err != nil {
		return nil, err
	}
	around, err := r.Surroundings(ctx, a.unpacked(d))
	if err != nil {
		return nil, err
	}
	if d.Configuration.IsFunction() {
		if l.worker, err = r.Worker(ctx, a.unpacked(d)); err != nil {
			return nil, err
		}
		if forking, ok := r.(runtimes.Forking); ok && d.Configuration.Workers.Warm > 0 {
			if l.forkServer, err = forking.ForkServer(ctx, a.unpacked(d)); err != nil {
				return nil, err
			}
		}
	}
	l.container = around.Container
	l.environment = l.variables(around)
	l.readOnly = append([]string{l.dir}, around.ReadOnly...)
	if _, socket, ok := strings.Cut(a.engine.Addresses[d.Configuration.IPC], ":"); ok {
		l.readOnly = append(l.readOnly, socket)
	}
	return l, nil
}

func (a *application) unpacked(d *spec.DesiredApplication) runtimes.Application {
	return runtimes.Application{Configuration: &d.Configuration, Artifact: d.Artifact, Dir: a.versionPath(d)}
}

func (a *application) writer(d *spec.DesiredApplication) *logs.Writer {
	return a.engine.Logs.Writer(a.name, d.Version, d.Configuration.Limits.Logs)
}

// variables are the environment: what all get, then the runtime's, the
// author's, and what says who the application is, which nothing overrides.
func (l *launcher) variables(around runtimes.Surroundings) []string {
	a := l.application
	v := map[string]string{
		"PATH": strings.Join(append(slices.Clone(around.Path), systemPath), ":"),
		"HOME": a.dataPath(), "TMPDIR": "/tmp", "LANG": "C.UTF-8",
	}
	for _, variable := range around.Environment {
		name, value, _ := strings.Cut(variable, "=")
		v[name] = value
	}
	maps.Copy(v, l.config.Environment)
	maps.Copy(v, map[string]string{
		"FESCUE_EXCHANGE": a.engine.Addresses[l.config.IPC], "FESCUE_TOKEN": a.token,
		"FESCUE_APPLICATION": string(a.name), "FESCUE_VERSION": string(l.release.Version),
		"FESCUE_DEVICE": string(a.engine.Device), "FESCUE_DATA": a.dataPath(),
	})
	if l.config.IsFunction() {
		v["FESCUE_WORKER_FD"], v["FESCUE_HANDLER"] = "3", l.config.Handler
		v["FESCUE_CONCURRENCY"] = strconv.Itoa(min(max(l.config.Workers.Concurrency, 1), max(l.config.Limits.Concurrency, 1)))
	}
	environment := make([]string, 0, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		environment = append(environment, name+"="+v[name])
	}
	return environment
}

// options are those of any program of this version. Versions that run side by side
// while they change over have their limits each, so the group is the deployment's.
func (l *launcher) options(argv []string) sandbox.Options {
	a := l.application
	o := sandbox.Options{
		Application: spec.Name(fmt.Sprintf("%s@%d", a.name, l.release.Deployment)),
		Argv:        argv, Dir: l.dir, Env: l.environment,
		Isolation: l.config.Isolation, UID: a.uid, GID: a.gid,
		ReadOnly: l.readOnly, ReadWrite: []string{a.dataPath()},
		Limits: l.config.Limits, Devices: l.config.Resources.Devices, Reach: l.config.Resources.Network,
		Refused: l.refused,
	}
	if slices.Contains(o.Reach, spec.Anywhere) {
		o.Network, o.Reach = sandbox.NetworkHost, nil
	}
	return o
}

// command are the options of a command.
func (l *launcher) command(c spec.Command) sandbox.Options {
	o := l.options([]string{"/bin/sh", "-c", c.Run})
	if l.container != nil && c.Run == spec.ImageProgram {
		o.Argv = nil // what the image says
	}
	o.Mode = c.Mode
	return o
}

// enclose has a program started in the application's image, if it has one, by a container
// engine in the sandbox that the program would have.
func (l *launcher) enclose(o sandbox.Options) (sandbox.Options, error) {
	if l.container == nil {
		return o, nil
	}
	if o.Argv == nil {
		argv, err := l.container.Program()
		if err != nil {
			return o, err
		}
		o.Argv = argv
	}
	e, err := l.container.Enclose(runtimes.Program{
		Argv: o.Argv, Environment: o.Env, Files: len(o.Files), UID: o.UID, GID: o.GID,
		ReadOnly: o.ReadOnly, ReadWrite: o.ReadWrite, Devices: o.Devices, HostNetwork: o.Network == sandbox.NetworkHost,
	})
	if err != nil {
		return o, err
	}
	o.Argv, o.Env, o.Dir = e.Argv, []string{"PATH=" + systemPath}, "/"
	o.ReadOnly = append(slices.Clone(o.ReadOnly), e.ReadOnly...)
	o.Container = &sandbox.Container{Root: e.Root, Changes: e.Changes, Config: e.Config, Signal: e.Signal}
	return o, nil
}

// instance is the thing that runs: a function or a service.
func (l *launcher) instance() instance {
	if l.config.IsFunction() {
		return newFunction(l)
	}
	return newService(l)
}

// program is a running program whose output goes to the application's log.
type program struct {
	process *sandbox.Process
	of      *launcher
	done    chan struct{} // closed when it has ended and all output is in the log
	exit    sandbox.Exit  // once done is closed
}

// start starts a program; also gets its output too, where it is not nil. The
// caller closes o.Files.
func (l *launcher) start(ctx context.Context, o sandbox.Options, also io.Writer) (*program, error) {
	o, err := l.enclose(o)
	if err != nil {
		return nil, err
	}
	return l.follow(also, func(out, errs *os.File) (*sandbox.Process, error) {
		o.Stdout, o.Stderr = out, errs
		return l.application.engine.Sandbox.Start(ctx, o)
	})
}

// follow makes a program of a process that begin starts with these two streams.
func (l *launcher) follow(also io.Writer, begin func(out, errs *os.File) (*sandbox.Process, error)) (*program, error) {
	out, err := l.pipe(spec.StreamOut, also)
	if err != nil {
		return nil, err
	}
	errs, err := l.pipe(spec.StreamErr, also)
	if err != nil {
		out.abort()
		return nil, err
	}
	var process *sandbox.Process
	if err = l.application.checkData(l.config.Limits.Disk); err == nil {
		process, err = begin(out.write, errs.write)
	}
	if err != nil {
		out.abort()
		errs.abort()
		return nil, err
	}
	p := &program{process: process, of: l, done: make(chan struct{})}
	l.application.programs.add(p)
	go func() {
		defer close(p.done)
		var copied sync.WaitGroup
		copied.Go(out.copy)
		copied.Go(errs.copy)
		p.exit = process.Wait()
		// What has left a forked worker's session may hold its streams and go on.
		late := time.Now().Add(lastOutput)
		_ = errors.Join(out.read.SetReadDeadline(late), errs.read.SetReadDeadline(late)) // they are pipes
		copied.Wait()
	}()
	return p, nil
}

// lastOutput is how long the output of a program that has ended may take to come.
const lastOutput = 2 * time.Second

// stop ends the program within grace and returns when all is gone.
func (p *program) stop(grace time.Duration) sandbox.Exit {
	p.process.Terminate(grace)
	<-p.done
	if grace > 0 && p.exit.Terminated && p.exit.Signal == syscall.SIGKILL {
		p.of.log.Note("warning", fmt.Sprintf("a program did not end within %s of SIGTERM, and was killed", grace))
	}
	return p.exit
}

// pipe is one of a program's streams on its way to the log.
type pipe struct {
	read, write *os.File
	to          *logs.Stream
	also        io.Writer
}

func (l *launcher) pipe(stream spec.Stream, also io.Writer) (*pipe, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, diskError(err, "make pipe", string(l.application.name))
	}
	return &pipe{read, write, l.log.Stream(stream), also}, nil
}

func (p *pipe) abort() {
	_ = p.read.Close() // nothing was written
	_ = p.write.Close()
}

// copy runs until every process that holds the other end has ended.
func (p *pipe) copy() {
	_ = p.write.Close()  // the program has its own
	defer p.read.Close() // only read
	defer p.to.Close()   //nolint:errcheck // never fails
	var to io.Writer = p.to
	if p.also != nil {
		to = io.MultiWriter(p.to, p.also)
	}
	// Most programs say little: a large buffer is for those that fill a small one.
	const small, large = 1 << 10, 32 << 10
	buffer := make([]byte, small)
	for {
		n, err := p.read.Read(buffer)
		_, _ = to.Write(buffer[:n]) // logs never fail
		if err != nil {
			return
		}
		if len(buffer) == small && n == small {
			buffer = make([]byte, large)
		}
	}
}
