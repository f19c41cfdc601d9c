package sandbox

import (
	"log/slog"
	"os"

	"fescue.dev/fescue/device/sandbox/jail"
	"fescue.dev/fescue/spec"
)

// Config is what a [Sandbox] needs to know of its device.
type Config struct {
	// State is a directory of the sandbox's own, made with mode 0700. It holds the
	// users of applications, the identity of this installation and an empty
	// directory on which roots are built. Two agents must not share it.
	State string
	Log   *slog.Logger
	// FirstUID and LastUID bound the user ids given to applications; zero means
	// [DefaultFirstUID] and [DefaultLastUID].
	FirstUID, LastUID int
	// Temporary bounds an application's private /tmp and /dev/shm, each; zero means
	// [DefaultTemporary]. What is written there counts as memory of the application.
	Temporary spec.Bytes
}

// Defaults of [Config].
const (
	DefaultFirstUID             = 200_000
	DefaultLastUID              = 265_535
	DefaultTemporary spec.Bytes = 64 << 20
)

// The values of Options.Network.
const (
	NetworkNone = "none" // a network of its own with nothing but lo
	NetworkHost = "host" // the device's
)

// Options say what to run and what it may.
type Options struct {
	Application spec.Name
	// Argv is the program and its arguments. A program without a slash is looked
	// up in the PATH of Env, in the application's view of the file system.
	Argv []string
	// Dir is the working directory. In the sandbox it is shown read-only unless
	// ReadOnly or ReadWrite cover it.
	Dir string
	// Env is the whole environment; FESCUE_INSTANCE is added to it.
	Env  []string
	Mode spec.Mode // "" is sandbox
	// Isolation "none" turns mode sandbox into mode user.
	Isolation spec.Isolation
	// UID and GID are the program's user, outside of mode root. UID zero means the
	// application's own, as [Sandbox.UserFor] gives it.
	UID, GID int
	// ReadOnly and ReadWrite are absolute paths (directories, files, sockets) that
	// it sees, at the same place, beyond the system's programs and libraries.
	// Inner paths override outer ones. A path that does not exist is an error.
	// Rights of user and group apply besides: the application's user must be able
	// to read, or write, what is shown. Only mode sandbox uses them.
	ReadOnly, ReadWrite []string
	// Network is NetworkNone or NetworkHost; "" is none in mode sandbox, host
	// otherwise.
	Network string
	// Reach are the endpoints that it may connect to besides, over TCP, with
	// NetworkNone in mode sandbox.
	Reach []spec.Endpoint
	// Devices are devices of the machine that it may use, in mode sandbox.
	Devices []spec.DevicePath
	// Limits: Memory, CPU and Processes apply to all processes of Application
	// together where control groups can be had. Zero is unlimited.
	Limits spec.Limits
	// Refused is told what the kernel refuses the program and what it starts, or forks; not
	// often: repetitions are counted. It may be nil.
	Refused func(Refusal)
	// Files are descriptors 3, 4, … of the program; it gets no others. The caller
	// closes its own copies, also those of Stdin, Stdout and Stderr, of which nil is
	// /dev/null.
	Files []*os.File
	// Forks: the program is a fork server (see [Process.Fork] and jail.Plan.Forks). It has no Files.
	Forks                 bool
	Stdin, Stdout, Stderr *os.File

	// Container, in mode sandbox: Argv is a container engine.
	Container *Container

	groups []int // those of Devices
}

// Refusal is what an application was refused, by the kernel or by a limit.
type Refusal = jail.Refusal

// Container is what a container engine (crun, runc) finds in Argv's sandbox to start one
// program in an image. The engine keeps the agent's user and rights, within the namespaces
// and the view of the sandbox: it is for it to take them from the program, as Config
// tells it, where the sandbox does not see to that itself.
type Container struct {
	// Root is the directory of the image, shown at the same place; Changes are the bytes that
	// can be changed in it, in memory.
	Root    string
	Changes spec.Bytes
	// Config is the engine's configuration (OCI runtime specification), and is put into
	// BundleDir.
	Config []byte
	// Signal is what asks the program to end. It is sent to the engine, which passes it on.
	Signal int
}

// BundleDir is where a container engine finds its bundle, within the sandbox.
const BundleDir = "/run/bundle"

// CallFilter is the filter of system calls of mode sandbox, for a container engine's configuration;
// nil where there is none.
func CallFilter() *jail.Profile { return jail.OCIProfile() }
