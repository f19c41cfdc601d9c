package spec

import (
	"slices"
	"time"
)

// Configuration is fescue.yaml decoded: one application, by its author's words.
// Defaults are filled in by Decode, so that a reader needs no second set of them.
type Configuration struct {
	Name         Name              `yaml:"name" json:"name" doc:"The application, a DNS label: 1 to 63 of a-z, 0-9 and -."`
	Version      Version           `yaml:"version" json:"version" doc:"A semantic version; immutable once stored."`
	Description  string            `yaml:"description,omitempty" json:"description,omitempty" doc:"A sentence for people."`
	Runtime      Runtime           `yaml:"runtime" json:"runtime" doc:"How code is run: python, node, java, cpp, wasm, native or container; with a condition on its version if there is one: python >=3.11."`
	Platform     Platform          `yaml:"platform,omitempty" json:"platform" doc:"linux, or linux with an architecture: linux/arm64; micro for microcontrollers, or micro and a board: micro/lm3s6965evb. Default linux."`
	Handler      string            `yaml:"handler,omitempty" json:"handler,omitempty" doc:"What is called per event, which makes the application a function; written as its runtime has it: module.function for python."`
	PerEvent     bool              `yaml:"perEvent,omitempty" json:"perEvent,omitempty" doc:"The handler is a program that is started for each event: the event on its stdin, the answer on its stdout."`
	Container    Container         `yaml:"container,omitempty" json:"container,omitzero" doc:"runtime container: the image in which programs run."`
	Resources    Resources         `yaml:"resources,omitempty" json:"resources" doc:"The topics that it may use. What a trigger names is granted without being repeated."`
	Triggers     []Trigger         `yaml:"triggers,omitempty" json:"triggers,omitempty" doc:"What the handler is called for."`
	Commands     []Command         `yaml:"commands,omitempty" json:"commands,omitempty" doc:"The programs of a service, or what prepares a function."`
	Dependencies Dependencies      `yaml:"dependencies,omitempty" json:"dependencies" doc:"What must be there before the commands run."`
	Isolation    Isolation         `yaml:"isolation,omitempty" json:"isolation" doc:"How it is parted from the rest of the device: sandbox (all that the device can enforce, the default), strict (sandbox, refused where something of it is missing) or none."`
	IPC          IPC               `yaml:"ipc,omitempty" json:"ipc" doc:"How the SDK reaches Data Xchange. Default unix."`
	Health       HealthCheck       `yaml:"health,omitempty" json:"health,omitzero" doc:"How it is asked from time to time whether it is well; who is not is started again."`
	Workers      Workers           `yaml:"workers,omitempty" json:"workers,omitzero" doc:"How many processes a function has, and how long each."`
	Limits       Limits            `yaml:"limits,omitempty" json:"limits" doc:"What it may take."`
	Environment  map[string]string `yaml:"environment,omitempty" json:"environment,omitempty" doc:"Variables for commands and handlers."`
}

// IsFunction tells whether the application is called per event (it has a
// handler); otherwise it is a service, made of commands.
func (c *Configuration) IsFunction() bool { return c.Handler != "" }

// Resources are the topics an application may use. What a trigger names is
// granted without being repeated here; see [Configuration.Grants].
type Resources struct {
	Subscribe []Filter `yaml:"subscribe,omitempty" json:"subscribe,omitempty" doc:"MQTT topic filters that it may subscribe to."`
	Publish   []Filter `yaml:"publish,omitempty" json:"publish,omitempty" doc:"Topics or filters that it may publish to."`
	Invoke    []Name   `yaml:"invoke,omitempty" json:"invoke,omitempty" doc:"Functions of the same device that it may call."`
	Keep      []Keep   `yaml:"keep,omitempty" json:"keep,omitempty" doc:"Topics whose messages the device keeps on disk: for delivery at least once, and for asking for their history."`
	// Network and Devices are what of the machine it may use, in mode sandbox.
	Network []Endpoint   `yaml:"network,omitempty" json:"network,omitempty" doc:"Where it may connect to, HOST:PORT each, with /udp after it for datagrams; or '*' alone for the device's whole network. Nowhere if left out."`
	Devices []DevicePath `yaml:"devices,omitempty" json:"devices,omitempty" doc:"Devices of the machine that it may use, such as /dev/ttyUSB0, where the machine's policy allows it."`
	// Pins are what of a microcontroller it may use.
	Pins []Pin `yaml:"pins,omitempty" json:"pins,omitempty" doc:"What of a microcontroller it may use: gpio/NUMBER, adc/NUMBER, i2c/ADDRESS."`
}

// Keep is a topic whose messages are kept on the device's disk.
type Keep struct {
	Topic Filter   `yaml:"topic" json:"topic" doc:"MQTT topic filter; it must be covered by subscribe."`
	For   Duration `yaml:"for,omitempty" json:"for,omitempty" doc:"How long messages are kept. No limit if left out."`
	Size  Bytes    `yaml:"size,omitempty" json:"size" doc:"How many bytes are kept. Default 64MiB."`
	Full  Full     `yaml:"full,omitempty" json:"full" doc:"What happens when that is full: drop-oldest, the default, or refuse, which refuses new messages until consumers have acknowledged old ones."`
}

// Full says what happens to a kept topic that has reached its size, and to a queue that has.
type Full string

// The policies.
const (
	FullDropOldest Full = "drop-oldest"
	FullRefuse     Full = "refuse"
)

// Mode is the privilege level of a command.
type Mode string

// The privilege levels.
const (
	ModeSandbox Mode = "sandbox" // confined, the default
	ModeUser    Mode = "user"    // unprivileged, sees the device's file system
	ModeRoot    Mode = "root"    // as the agent; only where the device's policy allows it
)

// Command is one program of a service, or a preparation step of any application.
type Command struct {
	Run  string `yaml:"run" json:"run" doc:"For /bin/sh -c, in the code directory."` // for /bin/sh -c, in the code directory
	Mode Mode   `yaml:"mode,omitempty" json:"mode" doc:"Privilege level; root only where the device allows it. Default sandbox."`
	// Wait holds the next command back until this one has exited with 0.
	// A command without Wait keeps running and is restarted when it ends.
	Wait    bool     `yaml:"wait,omitempty" json:"wait" doc:"The next command waits until this one has exited with 0."`
	Timeout Duration `yaml:"timeout,omitempty" json:"timeout,omitempty" doc:"Of a command that is waited for. Default 5m."` // of a waited-for command; default 5 minutes
	// Settle is how long a command that keeps running must stay up for its start to count
	// as a success. One that connects to Data Xchange counts at once.
	Settle Duration `yaml:"settle,omitempty" json:"settle,omitempty" doc:"How long a command that keeps running must stay up to count as started, unless it connects to Data Xchange before. Default 1s."`
}

// Dependencies are what must be there before the commands run.
type Dependencies struct {
	// Requirements is the path of pip's requirements file in the artifact.
	Requirements string `yaml:"requirements,omitempty" json:"requirements,omitempty" doc:"Path of pip's requirements file in the artifact."`
	// Package is the path of npm's package.json in the artifact; package-lock.json lies beside it.
	Package string `yaml:"package,omitempty" json:"package,omitempty" doc:"Path of npm's package.json in the artifact, with package-lock.json beside it."`
	// Pom is the path of Maven's project file in the artifact.
	Pom string `yaml:"pom,omitempty" json:"pom,omitempty" doc:"Path of Maven's pom.xml in the artifact, which is built on the device."`
	// Applications that must be running on the same device, with version ranges.
	Applications map[Name]Range `yaml:"applications,omitempty" json:"applications,omitempty" doc:"Other applications that must run on the device, with version ranges."`
}

// Isolation says how an application is parted from the rest of the device.
type Isolation string

// The isolation levels.
const (
	IsolationSandbox   Isolation = "sandbox"   // the default: all that the device can enforce
	IsolationStrict    Isolation = "strict"    // sandbox, refused where the device cannot enforce all of it
	IsolationNone      Isolation = "none"      // own user and directory only
	IsolationContainer Isolation = "container" // refused: what runs in an image says so by its runtime
)

// IPC is the link that the SDKs use from the application to Data Xchange.
type IPC string

// The links an application can ask for.
const (
	IPCUnix   IPC = "unix"   // Unix socket: highest rate, the default
	IPCMqueue IPC = "mqueue" // POSIX message queues: lowest latency
	IPCTCP    IPC = "tcp"    // TCP on loopback, where the device opened it
)

// Limits bound what an application may take. Zero means the default, which
// Decode fills in.
type Limits struct {
	Memory      Bytes    `yaml:"memory,omitempty" json:"memory" doc:"Resident memory of the whole application. Default 256MiB."` // resident, whole application; default 256 MiB
	CPU         float64  `yaml:"cpu,omitempty" json:"cpu" doc:"Processors; no limit if left out."`                               // processors; 0 is unlimited
	Processes   int      `yaml:"processes,omitempty" json:"processes" doc:"Processes and threads. Default 128."`                 // and threads; default 128
	Timeout     Duration `yaml:"timeout,omitempty" json:"timeout" doc:"Of one invocation. Default 30s."`                         // of one invocation; default 30 s
	Concurrency int      `yaml:"concurrency,omitempty" json:"concurrency" doc:"Invocations at once. Default 1."`                 // invocations at once; default 1
	Queue       int      `yaml:"queue,omitempty" json:"queue" doc:"Events that wait for a worker. Default 1024."`                // events waiting for a worker; default 1,024
	Full        Full     `yaml:"full,omitempty" json:"full,omitempty" doc:"What happens when so many wait: refuse, the default, which refuses the newest, or drop-oldest, which gives up the one that waits longest."`
	Disk        Bytes    `yaml:"disk,omitempty" json:"disk" doc:"What its data directory may take. Default 1GiB."`      // of the data directory; default 1 GiB
	State       Bytes    `yaml:"state,omitempty" json:"state" doc:"Keys and values of its state store. Default 16MiB."` // of the state store; default 16 MiB
	Logs        Bytes    `yaml:"logs,omitempty" json:"logs" doc:"Output kept on the device. Default 8MiB."`             // kept on the device; default 8 MiB
}

// Defaults that Decode fills in.
const (
	DefaultMemory         Bytes = 256 << 20
	DefaultDisk           Bytes = 1 << 30
	DefaultState          Bytes = 16 << 20
	DefaultKeep           Bytes = 64 << 20
	DefaultProcesses            = 128
	DefaultTimeout              = Duration(30 * time.Second)
	DefaultCommandTimeout       = Duration(5 * time.Minute)
	DefaultSettle               = Duration(time.Second)
	DefaultConcurrency          = 1
	DefaultQueue                = 1024
	DefaultLogs           Bytes = 8 << 20
)

// InvokeTopic begins the topics by which functions call each other; the name of the one that
// is called follows.
const InvokeTopic = "$fescue/invoke/"

// keep adds what is to be kept, unless the author has said how.
func (r *Resources) keep(k Keep) {
	if !slices.ContainsFunc(r.Keep, func(own Keep) bool { return own.Topic == k.Topic }) {
		r.Keep = append(r.Keep, k)
	}
}

// Grants are the topics that the application may use, triggers included.
func (c *Configuration) Grants() Resources {
	g := Resources{
		Subscribe: append([]Filter(nil), c.Resources.Subscribe...),
		Publish:   append([]Filter(nil), c.Resources.Publish...),
		Keep:      append([]Keep(nil), c.Resources.Keep...),
	}
	for _, name := range c.Resources.Invoke {
		g.Publish = append(g.Publish, Filter(InvokeTopic+string(name)))
	}
	for _, t := range c.Triggers {
		if t.Topic != "" {
			g.Subscribe = append(g.Subscribe, t.Topic)
		}
		if t.Delivery == AtLeastOnce {
			g.keep(Keep{Topic: t.Topic, Size: DefaultKeep, Full: FullRefuse})
		}
		if t.DeadLetter != "" { // who looks after it may come late
			g.keep(Keep{Topic: Filter(t.DeadLetter), Size: DefaultKeep, Full: FullDropOldest})
		}
		for _, out := range []Topic{t.Reply, t.DeadLetter} {
			if out != "" {
				g.Publish = append(g.Publish, Filter(out))
			}
		}
	}
	return g
}
