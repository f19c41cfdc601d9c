package cgroup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"fescue.dev/fescue/fail"
)

// Limits of a group; zero is unlimited.
type Limits struct {
	Memory    int64   // bytes, swap included
	CPU       float64 // processors
	Processes int     // and threads
}

// Group holds the processes of one application. It is safe for concurrent use.
type Group struct {
	parent *Parent
	name   string
	users  int // guarded by parent.mu

	refused atomic.Uint64 // see ForksRefused
}

// period is the time over which a share of the processors is measured: the
// kernel's default.
const period = 100_000 // µs

func (g *Group) dir(c Controller) string {
	if base := g.parent.dirs[c]; base != "" {
		return filepath.Join(base, g.name)
	}
	return ""
}

// limit writes the limits that have a controller.
func (g *Group) limit(l Limits) error {
	set := g.limitV1
	if g.parent.version == 2 {
		set = g.limitV2
	}
	return fail.Wrap(set(l), fail.Exhausted, "limit control group", g.name)
}

func (g *Group) limitV1(l Limits) error {
	if dir := g.dir(Memory); dir != "" {
		limit := orElse(l.Memory, "-1")
		// Memory may never be above memory with swap, the second file, which is not
		// there without swap accounting: open that, set this, then bound both.
		_ = write(dir, "memory.memsw.limit_in_bytes", "-1")
		if err := write(dir, "memory.limit_in_bytes", limit); err != nil {
			return err
		}
		if err := write(dir, "memory.memsw.limit_in_bytes", limit); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if dir := g.dir(CPU); dir != "" {
		if err := write(dir, "cpu.cfs_quota_us", orElse(quota(l.CPU), "-1")); err != nil {
			return err
		}
	}
	if dir := g.dir(Processes); dir != "" {
		return write(dir, "pids.max", orElse(int64(l.Processes), "max"))
	}
	return nil
}

func (g *Group) limitV2(l Limits) error {
	if dir := g.dir(Memory); dir != "" {
		if err := write(dir, "memory.max", orElse(l.Memory, "max")); err != nil {
			return err
		}
		swap := "0"
		if l.Memory == 0 {
			swap = "max"
		}
		if err := write(dir, "memory.swap.max", swap); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if dir := g.dir(CPU); dir != "" {
		if err := write(dir, "cpu.max", orElse(quota(l.CPU), "max")+" "+strconv.Itoa(period)); err != nil {
			return err
		}
	}
	if dir := g.dir(Processes); dir != "" {
		return write(dir, "pids.max", orElse(int64(l.Processes), "max"))
	}
	return nil
}

// quota is processor time per period in µs; the kernel takes no less than 1 ms.
func quota(cpus float64) int64 {
	if cpus <= 0 {
		return 0
	}
	return max(int64(cpus*period), 1000)
}

func orElse(n int64, unlimited string) string {
	if n <= 0 {
		return unlimited
	}
	return strconv.FormatInt(n, 10)
}

// TaskFiles are what a thread writes "0" to, to enter the group with what it
// forks. Version 2 has none: there whole processes move, see [Group.Add].
func (g *Group) TaskFiles() []string {
	if g.parent.version != 1 {
		return nil
	}
	var files []string
	for _, folder := range g.parent.Folders() {
		files = append(files, filepath.Join(folder, g.name, "tasks"))
	}
	return files
}

// Add moves a process into the group, if it is one of version 2.
func (g *Group) Add(pid int) error {
	if g.parent.version != 2 {
		return nil
	}
	dir := filepath.Join(g.parent.Folders()[0], g.name)
	return fail.Wrap(write(dir, "cgroup.procs", strconv.Itoa(pid)), fail.Exhausted, "enter control group", g.name)
}

// TakeBack moves a process that [Group.Add] added to where the agent is.
func (g *Group) TakeBack(pid int) error {
	if g.parent.version != 2 {
		return nil
	}
	return fail.Wrap(write(g.parent.agent, "cgroup.procs", strconv.Itoa(pid)), fail.Internal, "leave control group", g.name)
}

// OOMKills is how many processes of the group the kernel has killed because a
// memory limit was met.
func (g *Group) OOMKills() uint64 {
	dir := g.dir(Memory)
	if dir == "" {
		return 0
	}
	file := "memory.oom_control"
	if g.parent.version == 2 {
		file = "memory.events"
	}
	return counter(filepath.Join(dir, file), "oom_kill")
}

// ForksRefused is how many processes and threads the group was refused, since this was asked
// last, because there were as many as its limit.
func (g *Group) ForksRefused() uint64 {
	dir := g.dir(Processes)
	if dir == "" {
		return 0
	}
	now := counter(filepath.Join(dir, "pids.events"), "max")
	return now - min(g.refused.Swap(now), now)
}

// counter reads one of the numbers in a file of "name number" lines.
func counter(file, name string) uint64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, is := strings.CutPrefix(strings.TrimSpace(line), name+" "); is {
			n, _ := strconv.ParseUint(value, 10, 64) // the kernel writes a number
			return n
		}
	}
	return 0
}

// Release gives up one use; the last removes the group. Its processes must be
// gone; if one is not yet, the group stays until it is used again or swept.
func (g *Group) Release() {
	g.parent.mu.Lock()
	defer g.parent.mu.Unlock()
	g.releaseLocked()
}

func (g *Group) releaseLocked() {
	g.users--
	if g.users > 0 {
		return
	}
	removed := true
	for _, folder := range g.parent.Folders() {
		removed = removeSoon(filepath.Join(folder, g.name)) == nil && removed
	}
	if removed {
		delete(g.parent.groups, g.name)
	}
}
