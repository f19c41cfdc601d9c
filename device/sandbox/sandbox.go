package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"fescue.dev/fescue/device/sandbox/cgroup"
	"fescue.dev/fescue/device/sandbox/jail"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/spec"
)

// Sandbox starts programs. It is safe for concurrent use.
type Sandbox struct {
	config   Config
	log      *slog.Logger
	instance instance
	users    *users
	groups   *cgroup.Parent
	spawner  *spawner
	reserve  *reserve
	ability  func() ability // tried once, at first use
	tells    bool           // what the kernel refuses can be told

	mu        sync.Mutex
	closed    bool
	processes map[*Process]struct{}
	// past is the processor time of programs that have ended, by application.
	past map[spec.Name]time.Duration

	// breach is nil but in tests, which leave walls out to see what each of them holds.
	breach func(*level, *jail.Plan)
}

// New opens the sandbox's state. What the device allows is tried at the first
// start, or when [Sandbox.Facts] is asked.
func New(c Config) (*Sandbox, error) {
	if c.FirstUID == 0 && c.LastUID == 0 {
		c.FirstUID, c.LastUID = DefaultFirstUID, DefaultLastUID
	}
	if c.Temporary == 0 {
		c.Temporary = DefaultTemporary
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	state, err := filepath.Abs(c.State)
	if err != nil {
		return nil, fail.Wrap(err, fail.Invalid, "open sandbox", c.State)
	}
	c.State = state
	if err := os.MkdirAll(filepath.Join(state, rootFolder), 0o700); err != nil {
		return nil, fail.Wrap(err, fail.Exhausted, "open sandbox", state)
	}
	id, err := openInstance(state)
	if err != nil {
		return nil, err
	}
	users, err := openUsers(state, id.id, c.FirstUID, c.LastUID)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{
		config: c, log: c.Log, instance: id, users: users,
		groups: cgroup.Find("fescue-" + id.id), spawner: newSpawner(), tells: jail.Tells(),
		processes: map[*Process]struct{}{}, past: map[spec.Name]time.Duration{},
	}
	s.ability = sync.OnceValue(s.tryAbility)
	s.reserve = &reserve{spawn: s.spawn}
	if err := rememberFolders(state, s.groups.Folders()); err != nil {
		s.spawner.close()
		return nil, err
	}
	return s, nil
}

// rootFolder, in the state, is where roots are mounted, each seen by its helper only.
const rootFolder = "root"

// Close ends every process, at once, and gives up the spawning thread.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	s.closed = true
	var running []*Process
	for p := range s.processes {
		running = append(running, p)
	}
	s.mu.Unlock()
	s.reserve.close()
	for _, p := range running {
		p.kill()
	}
	for _, p := range running {
		p.Wait()
	}
	s.spawner.close()
	return s.groups.Close()
}

func (s *Sandbox) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func closing(o Options) error {
	return fail.New(fail.Canceled, "start program", "the agent is stopping").On(o.Argv[0])
}

// adopt makes p one of the processes that Close ends.
func (s *Sandbox) adopt(p *Process) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.processes[p] = struct{}{}
	return true
}

func (s *Sandbox) disown(p *Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.processes, p)
}

// instance tells the processes of this agent from others: id is the state's, for
// ever, run is this Sandbox's.
type instance struct{ id, run string }

// instanceVariable marks every process of an agent, in its environment.
const instanceVariable = "FESCUE_INSTANCE"

func (i instance) marker() string { return instanceVariable + "=" + i.id + "." + i.run }

// openInstance reads the state's id, or makes it.
func openInstance(state string) (instance, error) {
	path := filepath.Join(state, "instance")
	text, err := os.ReadFile(path)
	if err == nil && len(text) == 16 {
		return instance{string(text), randomHex(4)}, nil
	}
	if err != nil && !os.IsNotExist(err) {
		return instance{}, fail.Wrap(err, fail.Internal, "open sandbox", path)
	}
	id := instance{randomHex(8), randomHex(4)}
	return id, fail.Wrap(durable.Replace(path, []byte(id.id)), fail.Exhausted, "write", path)
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// Start runs a program and returns when it is running, or with the reason why
// it could not be: a *fail.Error of kind NotFound (program, directory or path to
// show), Denied (not executable), Invalid (options), Unsupported or Exhausted.
// The context bounds the start, not the life of the process.
func (s *Sandbox) Start(ctx context.Context, o Options) (*Process, error) {
	o, err := s.resolve(o)
	if err != nil {
		return nil, err
	}
	if s.isClosed() {
		return nil, closing(o)
	}
	level := levelOf(o, s.ability())
	if len(o.Reach) > 0 && (!level.net || !level.view) {
		return nil, fail.New(fail.Unsupported, "start program", "this device cannot grant single network endpoints").On(string(o.Application)).
			WithHint("It needs network and mount namespaces ('fescue doctor' tells what to do); or grant the whole network: network: ['*'].")
	}
	if o.Container != nil && (!level.confine || !level.view || !level.pid || o.Network == NetworkNone && !level.net) {
		return nil, fail.New(fail.Unsupported, "start program", "this device cannot confine a container engine").On(string(o.Application)).
			WithHint("It needs mount, PID and network namespaces: 'fescue doctor' tells what to do.")
	}
	group, err := s.groups.Acquire(string(o.Application), cgroup.Limits{
		Memory: int64(o.Limits.Memory), CPU: o.Limits.CPU, Processes: o.Limits.Processes,
	})
	if err != nil {
		return nil, err
	}
	p := &Process{
		sandbox: s, name: o.Application, group: group, limit: o.Limits.Memory, processes: o.Limits.Processes,
		refused: o.Refused, done: make(chan struct{}),
	}
	if o.Forks {
		p.server = &server{process: p, forks: map[uint32]*fork{}}
	}
	p.oomBefore = group.OOMKills()
	plan := s.plan(o, level, group)
	if s.breach != nil {
		s.breach(&level, plan)
	}
	p.helper, err = s.launch(ctx, level, plan, o, group)
	if err != nil {
		group.Release()
		return nil, err
	}
	if len(o.Reach) > 0 {
		p.doors, err = openDoors(s.log.With("application", o.Application), o.Reach, p.helper.control.takeHanded())
		if err != nil {
			p.kill()
		}
	}
	if err == nil && !s.adopt(p) {
		err = closing(o)
	}
	if err != nil {
		p.kill()
		go p.supervise()
		p.Wait()
		return nil, err
	}
	go p.supervise()
	return p, nil
}
