package jail

import "fescue.dev/fescue/fail"

// Descriptors of the helper. It inherits ControlFD, and /dev/null at all others, for which it gets
// others with CommandPlan: 0, 1 and 2 are the program's own; its further ones follow FilesFD and
// become 3, 4, … of the program.
const (
	ControlFD = 3 // SOCK_SEQPACKET: messages out, commands in; its end of file means that the agent is gone
	PlanFD    = 4 // the Plan as JSON, from its beginning
	FilesFD   = 5
	MaxFiles  = 8 // from FilesFD on
)

// Commands that the agent sends on the control socket, one byte each.
const (
	CommandPlan      = 'p' // the first, with descriptors: of the plan, then 0, 1, 2 and further ones of the program
	CommandGo        = 'g' // the helper is in its control group: start the program
	CommandTerminate = 't' // SIGTERM to every process (see Plan.Signal), then wait for their end
	CommandKill      = 'k' // SIGKILL to every process

	// Of a fork server (Plan.Forks). All but the last are followed by a fork's number,
	// four bytes with the lowest first.
	CommandFork          = 'f' // with descriptors 3, 1 and 2 of the new process
	CommandTerminateFork = 'T' // SIGTERM to every process of its session
	CommandKillFork      = 'K' // SIGKILL to them
	CommandRetire        = 'r' // the fork server ends; what it forked goes on
)

// Plan is everything the helper has to do. Its zero value runs a program with
// the helper's own rights.
type Plan struct {
	Argv  []string
	Dir   string
	Env   []string
	Files int // number of descriptors from FilesFD on

	// Forks: the program is a fork server. Its descriptor 3 is a SOCK_SEQPACKET
	// socket, on which it gets a number of four bytes with three descriptors each time, and
	// is to fork a process that is not its own child, and to answer with the number and the
	// process id, or an error number below 0. It ends at the socket's end. Files is 0.
	Forks bool

	Init     bool // the helper is process 1 of its PID namespace
	Proc     bool // mount /proc anew, for that namespace, when there is no Root
	Loopback bool // set the interface lo up: the network namespace is new
	Doors    []Door

	Root      string // empty directory to build the program's root on; "" shows the device's
	Mounts    []Mount
	Temporary int64 // bytes of /tmp and /dev/shm, each
	// Texts are small files, and Folders empty ones, that the root has besides.
	Texts   map[string][]byte
	Folders []string

	TaskFiles []string // "tasks" of control groups (v1) that the program shall be in
	Limits    []Limit

	SetUser       bool // become UID and GID, with Groups and no others
	UID, GID      int
	Groups        []int
	NoPrivileges  bool // no_new_privs, no capabilities, empty bounding set
	FilterCalls   bool // seccomp
	Tell          bool // what is refused is told (see Refusal)
	NoInternet    bool // refuse Internet sockets by the filter: there is no network namespace
	RestrictPaths bool // Landlock: there is no Root

	// Signal is what CommandTerminate sends; 0 is SIGTERM. Alone: it goes to the
	// program only, which passes it on itself.
	Signal int
	Alone  bool

	Probe bool // do everything but start a program
}

// Mount is a path that the program sees at the same place.
type Mount struct {
	Path  string
	Write bool
	// Changes: the program sees a copy that it may change; so many bytes of changes are
	// kept in memory, and gone with it. 0: it is the path itself.
	Changes int64
}

// Limit is a resource limit (setrlimit), soft and hard.
type Limit struct {
	Resource int
	Value    uint64
}

// Message is what the helper reports. Exactly one field is set;
// none is how a probe tells its success.
type Message struct {
	// Pid of the program that was started. In a PID namespace it is of that; the
	// agent's number for it travels as SCM_CREDENTIALS.
	Pid     int      `json:"pid,omitempty"`
	Failure *Failure `json:"failure,omitempty"` // nothing was started; the helper ends
	Exit    *int     `json:"exit,omitempty"`    // the program's wait status; the helper ends
	// Doors is the number of sockets that come with the message, in the order of
	// Plan.Doors.
	Doors int   `json:"doors,omitempty"`
	Fork  *Fork `json:"fork,omitempty"`
	// Refused: the program, or what it started, was refused something.
	Refused *Refusal `json:"refused,omitempty"`
}

// Refusal is what the kernel has refused a program.
type Refusal struct {
	What  string `json:"what"`  // "connection to 192.0.2.1:80", "system call mount"
	Count uint64 `json:"count"` // times since it was told last
}

// Fork is what became of a fork that the agent asked for: exactly one of the others is set.
type Fork struct {
	Number  uint32   `json:"number"`
	Pid     int      `json:"pid,omitempty"`     // it runs; as Message.Pid
	Failure *Failure `json:"failure,omitempty"` // there is none
	Exit    *int     `json:"exit,omitempty"`    // its wait status; nothing of its session is left
}

// Failure is a fail.Error on its way through the socket.
type Failure struct {
	Kind     string `json:"kind"`
	Op       string `json:"op"`
	Resource string `json:"resource"`
	Message  string `json:"message"`
	Hint     string `json:"hint"`
	Errno    int    `json:"errno"` // 0 when the cause was no system call
}

// Err is the failure as the agent returns it.
func (f *Failure) Err() *fail.Error {
	return &fail.Error{Op: f.Op, Kind: fail.ParseKind(f.Kind), Resource: f.Resource, Hint: f.Hint, Err: &cause{f.Message, f.Errno}}
}
