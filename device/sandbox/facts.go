package sandbox

import (
	"fmt"
	"os"
	"strings"

	"fescue.dev/fescue/device/sandbox/cgroup"
	"fescue.dev/fescue/device/sandbox/jail"
	"fescue.dev/fescue/fail"
)

// Finding is one wall or limit of the sandbox, as it is on this device.
type Finding struct {
	What   string // "file system"
	How    string // what is enforced, for people
	Full   bool   // nothing is missing
	Remedy string // what to do if something is
}

// IsolationFact is, among [Sandbox.Facts], what this device enforces as a whole:
// [IsolationFull] or "partial: file system, memory limit".
const (
	IsolationFact = "enforced"
	IsolationFull = "full"
)

const (
	rootRemedy      = "Run the agent as root; applications themselves never are."
	namespaceRemedy = "Allow namespaces to the agent: as root outside of a container, or in one with CAP_SYS_ADMIN and without a filter on clone and mount; " +
		"without root set the sysctl kernel.unprivileged_userns_clone (Debian) or kernel.apparmor_restrict_unprivileged_userns (Ubuntu)."
	groupRemedy  = "Give the agent a writable control group: as root, or with systemd's Delegate=yes in its unit."
	filterRemedy = "Use a kernel with CONFIG_SECCOMP_FILTER, on amd64, arm64, arm or riscv64."
)

// Findings are what is enforced on this device, found by doing it, the walls first.
func (s *Sandbox) Findings() []Finding {
	can := s.ability()
	all := []Finding{
		{"user", "own user id per application", true, rootRemedy},
		{"processes", "PID namespace: others are not seen, all end with the agent", true, namespaceRemedy},
		{"file system", "own root: system read-only, own folders, private /tmp", true, namespaceRemedy},
		{"network", "own network without connections, unless granted", true, namespaceRemedy},
		{"system calls", s.filterFact(), true, filterRemedy},
		s.limitFinding("memory limit", cgroup.Memory, "each process: twice the limit, at least 256 MiB (RLIMIT_DATA)"),
		s.limitFinding("cpu limit", cgroup.CPU, "none: no writable control group"),
		s.limitFinding("process limit", cgroup.Processes, processLimitFact()),
	}
	for i := range all {
		if less := can.less(all[i].What); less != "" {
			all[i].How, all[i].Full = less, false
		}
		if all[i].Full {
			all[i].Remedy = ""
		}
	}
	return all
}

// less is what stands in for a wall that cannot be had, or "".
func (can ability) less(wall string) string {
	switch {
	case wall == "user" && !can.root:
		return "the agent's own: the agent is not root"
	case wall == "processes" && !can.pid:
		return "seen; found and ended by their descent"
	case wall == "file system" && !can.mount:
		if v := jail.LandlockVersion(); v > 0 {
			return fmt.Sprintf("the device's, restricted by path (Landlock %d), /tmp shared", v)
		}
		return "not confined"
	case wall == "network" && !can.net:
		if jail.Filters() {
			return "Internet sockets refused, unless granted"
		}
		return "the device's"
	case wall == "system calls" && !jail.Filters():
		return "not filtered: not supported on this processor or kernel"
	}
	return ""
}

func (s *Sandbox) limitFinding(what string, c cgroup.Controller, otherwise string) Finding {
	if s.groups.Has(c) {
		return Finding{what, fmt.Sprintf("control group v%d", s.groups.Version()), true, ""}
	}
	return Finding{what, otherwise, false, groupRemedy}
}

// missing are the names of what is not enforced in full.
func (s *Sandbox) missing() []string {
	var names []string
	for _, f := range s.Findings() {
		if !f.Full {
			names = append(names, f.What)
		}
	}
	return names
}

// Facts say what is enforced on this device, for its record: "memory limit" →
// "control group v1".
func (s *Sandbox) Facts() map[string]string {
	facts := map[string]string{"control groups": fmt.Sprintf("v%d", s.groups.Version()), IsolationFact: IsolationFull}
	if s.groups.Version() == 0 {
		facts["control groups"] = "none"
	}
	for _, f := range s.Findings() {
		facts[f.What] = f.How
	}
	if missing := s.missing(); len(missing) > 0 {
		facts[IsolationFact] = "partial: without " + strings.Join(missing, ", ")
	}
	if why := s.ability().why; why != "" {
		facts["confinement refused"] = why
	}
	return facts
}

// Require is an error unless the device enforces everything that isolation strict
// promises.
func (s *Sandbox) Require() error {
	missing := s.missing()
	if len(missing) == 0 {
		return nil
	}
	return fail.New(fail.Unsupported, "confine", "isolation strict asks for what this device cannot enforce: %s", strings.Join(missing, ", ")).
		WithHint("'fescue doctor' on the device tells what to do; isolation sandbox takes what can be had.")
}

func (s *Sandbox) filterFact() string {
	if s.tells {
		return "filtered (seccomp), refusals are told"
	}
	return "filtered (seccomp); refusals are not told (Linux 5.5 would)"
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
