package sandbox

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"fescue.dev/fescue/spec"
)

// Usage is what an application's processes take.
type Usage struct {
	Memory    int64         // resident bytes that they share with nobody's file: statm(5), resident without shared
	CPU       time.Duration // processor time so far, of those that have ended too
	Processes int
}

// clockTick is the unit of processor time in /proc (USER_HZ, 100 on every Linux that Go knows).
const clockTick = 10 * time.Millisecond

// Usage is what each application's processes take, by [Options.Application], since the sandbox was
// made. It reads /proc once for all. Who has met its limit of processes is told of on the way.
func (s *Sandbox) Usage() map[spec.Name]Usage {
	all := map[spec.Name]Usage{}
	roots := map[int]*Process{}
	s.mu.Lock()
	for name, cpu := range s.past {
		all[name] = Usage{CPU: cpu}
	}
	for p := range s.processes {
		roots[p.helper.process.Pid] = p
	}
	s.mu.Unlock()
	for _, p := range roots {
		p.tellForks()
	}
	if len(roots) == 0 {
		return all
	}
	table := processes()
	spent := map[*Process]time.Duration{}
	for pid, one := range table {
		if p := table.ownerOf(pid, roots); p != nil {
			u := all[p.name]
			u.CPU += one.cpu
			u.Memory += ownMemory(pid)
			u.Processes++
			all[p.name] = u
			spent[p] += one.cpu
		}
	}
	for p, cpu := range spent {
		p.seen.Store(int64(cpu))
	}
	return all
}

// spent keeps the processor time of a program that has ended. The helper's has that of all whom it
// has waited for; of those that were killed with it the kernel keeps no account, so that what was seen of
// them last counts.
func (s *Sandbox) spent(p *Process, helper *os.ProcessState) {
	cpu := time.Duration(p.seen.Load())
	if helper != nil {
		cpu = max(cpu, helper.UserTime()+helper.SystemTime())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past[p.name] += cpu
}

// processTable is the processes that there are, by number.
type processTable map[int]processEntry

type processEntry struct {
	parent int
	cpu    time.Duration // its own, and of children that it has waited for
}

// deepest bounds the way from a process to its helper: parents may change while they are read.
const deepest = 64

func (t processTable) ownerOf(pid int, roots map[int]*Process) *Process {
	for range deepest {
		if owner := roots[pid]; owner != nil {
			return owner
		}
		p, there := t[pid]
		if !there || p.parent <= 1 {
			return nil
		}
		pid = p.parent
	}
	return nil
}

// processes reads /proc. One that ends meanwhile is left out.
func processes() processTable {
	table := processTable{}
	names, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well formed
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(name))
		if err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join(name, "stat"))
		if err != nil {
			continue
		}
		// The second field is a name in brackets, which may hold anything (proc(5)).
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 15 {
			continue
		}
		p := processEntry{parent: int(integer(fields[1]))}
		for _, ticks := range fields[11:15] { // utime, stime, cutime, cstime
			p.cpu += time.Duration(integer(ticks)) * clockTick
		}
		table[pid] = p
	}
	return table
}

func ownMemory(pid int) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 3 {
		return 0
	}
	return (integer(fields[1]) - integer(fields[2])) * int64(os.Getpagesize())
}

func integer(text []byte) int64 {
	n, _ := strconv.ParseInt(string(text), 10, 64) // the kernel writes numbers
	return n
}
