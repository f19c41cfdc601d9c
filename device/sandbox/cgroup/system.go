package cgroup

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// system is what the kernel tells about the mounts and the groups of a process.
type system struct {
	mounts, groups string // text of mountinfo and of cgroup, as in /proc/self
	pid            int
}

func hostSystem() system {
	mounts, _ := os.ReadFile("/proc/self/mountinfo") // without /proc there are no groups to be had
	groups, _ := os.ReadFile("/proc/self/cgroup")
	return system{string(mounts), string(groups), os.Getpid()}
}

// hierarchy is a mounted tree of groups.
type hierarchy struct {
	point       string // mount point
	root        string // the group that is shown there
	v2          bool
	controllers []string // version 1
}

// hierarchies reads mountinfo (proc_pid_mountinfo(5)).
func (s system) hierarchies() []hierarchy {
	var found []hierarchy
	for lines := bufio.NewScanner(strings.NewReader(s.mounts)); lines.Scan(); {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(kind) < 3 {
			continue
		}
		switch kind[0] {
		case "cgroup2":
			found = append(found, hierarchy{point: fields[4], root: fields[3], v2: true})
		case "cgroup":
			found = append(found, hierarchy{point: fields[4], root: fields[3], controllers: strings.Split(kind[2], ",")})
		}
	}
	return found
}

// own is the directory of this process's group in h, or "".
func (s system) own(h hierarchy) string {
	for lines := bufio.NewScanner(strings.NewReader(s.groups)); lines.Scan(); {
		parts := strings.SplitN(lines.Text(), ":", 3) // ID:controllers:path
		if len(parts) != 3 {
			continue
		}
		mine := h.v2 && parts[0] == "0"
		for _, c := range h.controllers {
			mine = mine || slices.Contains(strings.Split(parts[1], ","), c)
		}
		if !mine {
			continue
		}
		rel, below := strings.CutPrefix(parts[2], strings.TrimSuffix(h.root, "/"))
		if !below || strings.Contains(rel, "..") {
			return "" // outside of what the mount shows
		}
		return filepath.Join(h.point, rel)
	}
	return ""
}

func find(s system, name string) *Parent {
	p := &Parent{dirs: map[Controller]string{}, groups: map[string]*Group{}}
	hs := s.hierarchies()
	for _, h := range hs {
		if h.v2 && p.findV2(s, h, name) {
			return p
		}
	}
	for _, h := range hs {
		if !h.v2 {
			p.findV1(s, h, name)
		}
	}
	return p
}

// findV1 takes the controllers of one hierarchy of version 1, if it is writable.
func (p *Parent) findV1(s system, h hierarchy, name string) {
	own := s.own(h)
	if own == "" {
		return
	}
	for _, c := range controllers {
		if !slices.Contains(h.controllers, string(c)) || p.dirs[c] != "" {
			continue
		}
		dir := filepath.Join(own, name)
		if os.MkdirAll(dir, 0o755) != nil || !writable(filepath.Join(dir, "tasks")) {
			continue
		}
		p.dirs[c], p.version = dir, 1
	}
}

// findV2 takes the tree of version 2, if it has controllers and is writable. A
// group with controllers for its children must not hold processes itself ("no
// internal processes"): below the agent's own group, which a service manager has
// delegated, the agent moves to a child first; where it shares its group with
// others, as in a login session, the place is below the root instead.
func (p *Parent) findV2(s system, h hierarchy, name string) bool {
	own := s.own(h)
	candidates := []string{h.point}
	if own != "" && own != h.point {
		if filepath.Base(own) == agentGroup {
			own = filepath.Dir(own)
		}
		candidates = []string{own, h.point}
	}
	for _, base := range candidates {
		if !slices.Contains(words(filepath.Join(base, "cgroup.controllers")), string(Memory)) {
			continue
		}
		if base == h.point || s.stepAside(base) {
			if p.openV2(base, name) {
				p.agent = base
				if base == own {
					p.agent = filepath.Join(base, agentGroup)
				}
				return true
			}
		}
	}
	return false
}

// agentGroup is the child of its own group into which the agent moves.
const agentGroup = "agent"

// stepAside moves this process out of base into a child of it, if it is alone there.
func (s system) stepAside(base string) bool {
	child := filepath.Join(base, agentGroup)
	for _, pid := range words(filepath.Join(base, "cgroup.procs")) {
		if pid != strconv.Itoa(s.pid) {
			return false
		}
	}
	return os.MkdirAll(child, 0o755) == nil && write(child, "cgroup.procs", strconv.Itoa(s.pid)) == nil
}

// openV2 hands the controllers down from base to the place's children.
func (p *Parent) openV2(base, name string) bool {
	dir := filepath.Join(base, name)
	if os.MkdirAll(dir, 0o755) != nil || !writable(filepath.Join(dir, "cgroup.procs")) {
		return false
	}
	for _, c := range controllers {
		// One by one: a controller that is not there must not take the others along.
		if write(base, "cgroup.subtree_control", "+"+string(c)) == nil &&
			write(dir, "cgroup.subtree_control", "+"+string(c)) == nil {
			p.dirs[c] = dir
		}
	}
	if len(p.dirs) == 0 {
		_ = os.Remove(dir)
		return false
	}
	p.version = 2
	return true
}

func writable(path string) bool {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}

func words(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

func write(dir, file, text string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
