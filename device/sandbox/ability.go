package sandbox

import (
	"context"
	"errors"
	"os"
	"time"

	"fescue.dev/fescue/device/sandbox/jail"
	"fescue.dev/fescue/fail"
)

// ability is what this device lets this agent do, found by doing it.
type ability struct {
	root                       bool
	user, pid, mount, ipc, net bool
	why                        string // the refusal, when something is missing
}

// tryAbility starts helpers that do everything but run a program, from the most
// confined level down. Containers, hardened kernels and AppArmor refuse at
// different places (clone, mount, pivot_root), which no flag tells beforehand.
func (s *Sandbox) tryAbility() ability {
	root := os.Geteuid() == 0
	attempts := []ability{
		{pid: true, mount: true, ipc: true, net: true},
		{pid: true, mount: true, ipc: true},
		{pid: true, ipc: true, net: true},
		{pid: true},
	}
	var why string
	for i, a := range attempts {
		a.root, a.user = root, !root
		err := s.try(a)
		if err == nil {
			a.why = why
			if i > 0 {
				s.log.Warn("applications are less confined than intended", "enforced", a.enforced(), "reason", why)
			}
			return a
		}
		if why == "" {
			why = err.Error()
		}
	}
	s.log.Warn("applications are not confined by namespaces", "reason", why)
	return ability{root: root, why: why}
}

// try starts a helper at the level of mode sandbox.
func (s *Sandbox) try(a ability) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	o := Options{Application: "probe", Argv: []string{"probe"}, Dir: "/", UID: 65534, GID: 65534}
	l := level{user: a.user, pid: a.pid, mount: a.mount, ipc: a.ipc, net: a.net, view: a.mount, confine: true}
	plan := &jail.Plan{
		Argv: o.Argv, Dir: "/", Init: l.pid, Loopback: l.net, Temporary: 1 << 20, UID: o.UID, GID: o.GID, Probe: true,
	}
	if l.view {
		plan.Root = s.rootPath()
	}
	h, err := s.launch(ctx, l, plan, o, nil)
	if err != nil {
		return err
	}
	defer h.control.close()
	state, err := h.process.Wait()
	if err == nil && !state.Success() {
		err = errors.New("the helper " + state.String())
	}
	return fail.Wrap(err, fail.Unsupported, "try confinement", "")
}

func (a ability) enforced() string {
	text := "pid namespace"
	if a.mount {
		text += ", own file system"
	}
	if a.net {
		text += ", own network"
	}
	return text
}
