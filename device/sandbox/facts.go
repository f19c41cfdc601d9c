package sandbox

import (
	"fmt"
	"os"

	"fescue.dev/fescue/device/sandbox/cgroup"
	"fescue.dev/fescue/device/sandbox/jail"
)

// Facts say what is enforced on this device, for people: "memory limit" →
// "control group v1".
func (s *Sandbox) Facts() map[string]string {
	can := s.ability()
	facts := map[string]string{
		"user":           "own user id per application",
		"processes":      "PID namespace: others are not seen, all end with the agent",
		"file system":    "own root: system read-only, own folders, private /tmp",
		"network":        "own network without connections, unless granted",
		"system calls":   "filtered (seccomp)",
		"memory limit":   s.limitFact(cgroup.Memory, "each process: twice the limit, at least 256 MiB (RLIMIT_DATA)"),
		"cpu limit":      s.limitFact(cgroup.CPU, "none: no writable control group"),
		"process limit":  s.limitFact(cgroup.Processes, processLimitFact()),
		"control groups": fmt.Sprintf("v%d", s.groups.Version()),
	}
	if s.groups.Version() == 0 {
		facts["control groups"] = "none"
	}
	if !can.root {
		facts["user"] = "the agent's own: the agent is not root"
	}
	if !can.pid {
		facts["processes"] = "seen; found and ended by their descent"
	}
	if !can.mount {
		facts["file system"] = "not confined"
		if v := jail.LandlockVersion(); v > 0 {
			facts["file system"] = fmt.Sprintf("the device's, restricted by path (Landlock %d), /tmp shared", v)
		}
	}
	if !can.net {
		facts["network"] = "the device's"
		if jail.Filters() {
			facts["network"] = "Internet sockets refused, unless granted"
		}
	}
	if !jail.Filters() {
		facts["system calls"] = "not filtered: not supported on this processor or kernel"
	}
	if can.why != "" {
		facts["confinement refused"] = can.why
	}
	return facts
}

func (s *Sandbox) limitFact(c cgroup.Controller, otherwise string) string {
	if s.groups.Has(c) {
		return fmt.Sprintf("control group v%d", s.groups.Version())
	}
	return otherwise
}

func processLimitFact() string {
	switch {
	case !countsProcesses():
		return "none: no writable control group"
	case os.Geteuid() == 0:
		return "by user (RLIMIT_NPROC)"
	}
	return "each program with what it starts (RLIMIT_NPROC)"
}
