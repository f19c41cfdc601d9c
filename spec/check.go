package spec

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"time"
)

// Bounds on what one configuration may hold.
const (
	maxTriggers    = 100
	maxCommands    = 64
	maxFilters     = 256
	maxKeeps       = 32
	maxGrants      = 32 // of endpoints, and of devices
	maxConcurrency = 256
)

// check finds what no single field shows: what is missing, and what does not
// go together.
func (r *reader) check(c *Configuration) {
	r.required(c)
	r.checkKind(c)
	r.checkTriggers(c)
	r.checkCommands(c)
	r.checkDependencies(c)
	r.checkLimits(c)
	r.checkWorkers(c)
	r.checkEnvironment(c)
	r.choice("isolation", string(c.Isolation), string(IsolationSandbox), string(IsolationStrict), string(IsolationNone))
	r.checkIPC(c)
	r.atMost("resources.subscribe", len(c.Resources.Subscribe), maxFilters)
	r.atMost("resources.publish", len(c.Resources.Publish), maxFilters)
	r.atMost("resources.invoke", len(c.Resources.Invoke), maxFilters)
	r.checkKeep(c)
	r.atMost("resources.devices", len(c.Resources.Devices), maxGrants)
	r.atMost("resources.pins", len(c.Resources.Pins), maxGrants)
	r.atMost("resources.network", len(c.Resources.Network), maxGrants)
	if len(c.Resources.Network) > 1 && slices.Contains(c.Resources.Network, Anywhere) {
		r.faultAt("resources.network", "'*' stands for everything, and there is more", "Leave '*' out, or the others.")
	}
}

func (r *reader) required(c *Configuration) {
	for _, f := range []struct{ key, value, example string }{
		{"name", string(c.Name), "name: hello"},
		{"version", string(c.Version), "version: 1.0.0"},
		{"runtime", string(c.Runtime), "runtime: python"},
	} {
		if _, there := r.at[f.key]; f.value == "" && !there {
			r.fault(position{1, 1}, f.key, "is missing", "Write '"+f.example+"'.")
		}
	}
}

func (r *reader) checkKind(c *Configuration) {
	switch {
	case c.Handler == "" && len(c.Commands) == 0 && c.Runtime.Name() != RuntimeContainer:
		r.fault(position{1, 1}, "", "there is nothing to run", "Give a handler (a function, called per event) or commands (a service).")
	case c.Handler == "" && len(c.Triggers) > 0:
		r.faultAt("triggers", "triggers call a handler, and there is none", "Add a handler, such as 'handler: module.function'.")
	}
	r.checkHandler(c)
	r.checkContainer(c)
	r.checkHealth(c)
}

// checkIPC refuses message queues to languages that have no system calls for them.
func (r *reader) checkIPC(c *Configuration) {
	r.choice("ipc", string(c.IPC), string(IPCUnix), string(IPCMqueue), string(IPCTCP))
	name := c.Runtime.Name()
	if c.IPC == IPCMqueue && (name == RuntimeNode || name == RuntimeJava) {
		r.faultAt("ipc", "programs of the runtime "+name+" have no access to message queues", "Write 'ipc: unix', or leave it out.")
	}
}

func (r *reader) checkKeep(c *Configuration) {
	r.atMost("resources.keep", len(c.Resources.Keep), maxKeeps)
	for i, k := range c.Resources.Keep {
		at := fmt.Sprintf("resources.keep[%d]", i)
		if _, there := r.at[at+".topic"]; !there {
			r.faultAt(at, "what is kept is a topic", "Add 'topic: a/b'.")
			continue
		}
		covers := func(f Filter) bool { return f.Validate() == nil && f.Covers(k.Topic) }
		if k.Topic.Validate() == nil && !slices.ContainsFunc(c.Resources.Subscribe, covers) {
			r.faultAt(at+".topic", fmt.Sprintf("keeping %s needs the permission to subscribe to all of it", k.Topic), "Add it to resources.subscribe.")
		}
		r.between(at+".size", int64(k.Size), 64<<10, 1<<44, "at least 64KiB")
		r.between(at+".for", int64(k.For), int64(time.Second), math.MaxInt64, "at least 1s")
		r.choice(at+".full", string(k.Full), string(FullDropOldest), string(FullRefuse))
	}
}

func (r *reader) checkCommands(c *Configuration) {
	r.atMost("commands", len(c.Commands), maxCommands)
	for i, command := range c.Commands {
		at := fmt.Sprintf("commands[%d]", i)
		switch {
		case strings.TrimSpace(command.Run) == "":
			r.faultAt(at, "a command has something to run", "Add 'run: …'.")
		case len(command.Run) > 8192 || strings.ContainsRune(command.Run, 0):
			r.faultAt(at+".run", "a command has at most 8,192 bytes and no NUL", "Put a longer one into a script of the artifact.")
		}
		r.choice(at+".mode", string(command.Mode), string(ModeSandbox), string(ModeUser), string(ModeRoot))
		if c.Handler != "" && !command.Wait {
			r.faultAt(at, "a function's commands prepare it and must end", "Add 'wait: true', or leave the handler out to make it a service.")
		}
		if command.Wait && command.Settle != 0 {
			r.faultAt(at+".settle", "a command that is waited for must end, not stay up", "Remove 'settle' or 'wait'.")
		}
		r.between(at+".settle", int64(command.Settle), int64(time.Millisecond), int64(10*time.Minute), "1ms to 10m")
		if !command.Wait && command.Timeout != 0 {
			r.faultAt(at+".timeout", "only a command that is waited for has a timeout", "Add 'wait: true', or remove the timeout.")
		}
	}
}

func (r *reader) checkDependencies(c *Configuration) {
	for _, f := range c.Dependencies.files() {
		at := "dependencies." + f.key
		switch {
		case f.path == "":
		case c.Runtime.Name() != f.runtime:
			r.faultAt(at, "is for the runtime "+f.runtime+" alone", "")
		case !localPath(f.path):
			r.faultAt(at, "a file of the artifact is named relative to its root", "Write "+f.usual+".")
		case f.usual != "requirements.txt" && path.Base(f.path) != f.usual:
			r.faultAt(at, "the file is called "+f.usual, "")
		}
	}
	if _, itself := c.Dependencies.Applications[c.Name]; itself && c.Name != "" {
		r.faultAt("dependencies.applications."+string(c.Name), "an application cannot depend on itself", "")
	}
}

// dependencyFile is a file of the artifact that says what packages are needed.
type dependencyFile struct{ key, path, runtime, usual string }

func (d Dependencies) files() []dependencyFile {
	return []dependencyFile{
		{"requirements", d.Requirements, RuntimePython, "requirements.txt"},
		{"package", d.Package, RuntimeNode, "package.json"},
		{"pom", d.Pom, RuntimeJava, "pom.xml"},
	}
}

// localPath tells a clean relative path that stays below where it begins.
func localPath(p string) bool {
	return p != "" && !path.IsAbs(p) && path.Clean(p) == p && p != ".." && !strings.HasPrefix(p, "../") && !strings.ContainsAny(p, "\\\x00")
}

func (r *reader) checkLimits(c *Configuration) {
	l := c.Limits
	r.between("limits.memory", int64(l.Memory), 1<<20, 1<<50, "at least 1MiB")
	r.between("limits.disk", int64(l.Disk), 64<<10, 1<<50, "at least 64KiB")
	r.between("limits.state", int64(l.State), 4<<10, 1<<40, "at least 4KiB")
	r.between("limits.logs", int64(l.Logs), 64<<10, 1<<40, "at least 64KiB")
	r.between("limits.processes", int64(l.Processes), 1, 1<<20, "at least 1")
	r.between("limits.concurrency", int64(l.Concurrency), 1, maxConcurrency, "1 to 256")
	r.between("limits.queue", int64(l.Queue), 1, 1<<20, "1 to 1,048,576")
	if r.given("limits.full") {
		r.choice("limits.full", string(l.Full), string(FullDropOldest), string(FullRefuse))
	}
	if r.given("limits.cpu") && !(l.CPU >= 0.01 && l.CPU <= 4096) {
		r.faultAt("limits.cpu", "must be at least 0.01 processors", "")
	}
}

func (r *reader) between(field string, v, low, high int64, words string) {
	if r.given(field) && (v < low || v > high) {
		r.faultAt(field, "must be "+words, "")
	}
}

// given tells a field that stands in the text and could be read.
func (r *reader) given(field string) bool {
	_, there := r.at[field]
	return there && !r.faulty[field]
}

func (r *reader) checkEnvironment(c *Configuration) {
	for name, value := range c.Environment {
		at := "environment." + name
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0):
			r.faultAt(at, "a variable's name is not empty and has no '=', and neither has a NUL", "")
		case strings.HasPrefix(name, "FESCUE_"):
			r.faultAt(at, "variables that begin with FESCUE_ are set by the engine", "Choose another name.")
		}
	}
}

func (r *reader) atMost(field string, n, limit int) {
	if n > limit {
		r.faultAt(field, fmt.Sprintf("has %d entries, more than %d", n, limit), "")
	}
}

// choice checks a word against those that are allowed; empty is the default.
func (r *reader) choice(field, got string, allowed ...string) {
	if got == "" {
		return
	}
	for _, a := range allowed {
		if got == a {
			return
		}
	}
	if field == "isolation" && got == string(IsolationContainer) {
		r.faultAt(field, "an application runs in an image by its runtime", "Write 'runtime: container', and leave isolation out.")
		return
	}
	suggestion := "One of " + strings.Join(allowed, ", ") + "."
	if near := nearest(got, allowed); near != "" {
		suggestion = "did you mean " + near + "?"
	}
	r.faultAt(field, fmt.Sprintf("%q is none of the values this field takes", got), suggestion)
}

// fillDefaults puts in what the author left out.
func (c *Configuration) fillDefaults() {
	setDefault(&c.Platform, "linux")
	setDefault(&c.Isolation, IsolationSandbox)
	setDefault(&c.IPC, IPCUnix)
	setDefault(&c.Limits.Memory, DefaultMemory)
	setDefault(&c.Limits.Processes, DefaultProcesses)
	setDefault(&c.Limits.Timeout, DefaultTimeout)
	// Workers that are asked for are also used.
	setDefault(&c.Limits.Concurrency, max(c.Workers.Max, DefaultConcurrency)*max(c.Workers.Concurrency, DefaultWorkerConcurrency))
	setDefault(&c.Limits.Queue, DefaultQueue)
	setDefault(&c.Limits.Logs, DefaultLogs)
	setDefault(&c.Limits.Disk, DefaultDisk)
	setDefault(&c.Limits.State, DefaultState)
	for i := range c.Resources.Keep {
		setDefault(&c.Resources.Keep[i].Size, DefaultKeep)
		setDefault(&c.Resources.Keep[i].Full, FullDropOldest)
	}
	fillWorkers(c)
	if c.Runtime.Name() == RuntimeContainer && !c.IsFunction() && len(c.Commands) == 0 {
		c.Commands = []Command{{Run: ImageProgram}}
	}
	for i := range c.Triggers {
		fillTrigger(&c.Triggers[i], c.Limits)
	}
	for i := range c.Commands {
		setDefault(&c.Commands[i].Mode, ModeSandbox)
		if c.Commands[i].Wait {
			setDefault(&c.Commands[i].Timeout, DefaultCommandTimeout)
		} else {
			setDefault(&c.Commands[i].Settle, DefaultSettle)
		}
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
