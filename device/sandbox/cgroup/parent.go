package cgroup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"fescue.dev/fescue/fail"
)

// Controller is a part of control groups that limits one thing.
type Controller string

// The controllers that limit applications.
const (
	Memory    Controller = "memory"
	CPU       Controller = "cpu"
	Processes Controller = "pids"
)

var controllers = [...]Controller{Memory, CPU, Processes}

// Parent is the place under which an agent makes the groups of its applications.
// It is safe for concurrent use.
type Parent struct {
	version int
	dirs    map[Controller]string // where groups are made; several share one in version 2
	agent   string                // version 2: the group in which the agent itself is

	mu     sync.Mutex
	groups map[string]*Group
}

// Find gives the place for groups, named name, below this process's own groups,
// and makes it. Controllers that cannot be had are missing from it. Folders are
// where it is; a later agent gives them to [RemoveLeftovers].
func Find(name string) *Parent { return find(hostSystem(), name) }

// Version is 1 or 2, and 0 when there are no groups to be had.
func (p *Parent) Version() int { return p.version }

// Has tells whether groups limit what c stands for.
func (p *Parent) Has(c Controller) bool { return p.dirs[c] != "" }

// Folders are the directories that the agent has made for its groups.
func (p *Parent) Folders() []string {
	var folders []string
	seen := map[string]bool{}
	for _, c := range controllers {
		if dir := p.dirs[c]; dir != "" && !seen[dir] {
			seen[dir] = true
			folders = append(folders, dir)
		}
	}
	return folders
}

// Acquire gives the application's group, made if need be, with these limits from
// now on. Every Acquire needs a [Group.Release].
func (p *Parent) Acquire(name string, l Limits) (*Group, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.groups[name]
	if g == nil {
		g = &Group{parent: p, name: name}
		for _, folder := range p.Folders() {
			if err := os.Mkdir(filepath.Join(folder, name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return nil, fail.Wrap(err, fail.Exhausted, "make control group", name)
			}
		}
		p.groups[name] = g
	}
	g.users++
	if err := g.limit(l); err != nil {
		g.releaseLocked()
		return nil, err
	}
	return g, nil
}

// Close removes the agent's place. Groups must be released before; one that
// holds processes stays, for [RemoveLeftovers].
func (p *Parent) Close() error {
	var errs []error
	for _, folder := range p.Folders() {
		if err := removeTree(folder); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
