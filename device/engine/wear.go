package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"fescue.dev/fescue/spec"
)

// lookAtMemory is the least time between two looks at a worker's memory.
const lookAtMemory = 20 * time.Millisecond

// spent tells whether the worker was given its number of calls. function.mu is held.
func (s *slot) spent() bool {
	most := s.function.launcher.config.Workers.Calls
	return most > 0 && s.given >= most
}

// worn tells whether the worker has had its number of calls.
func (s *slot) worn() bool {
	s.function.mu.Lock()
	defer s.function.mu.Unlock()
	return s.spent() && len(s.calls) == 0
}

// toLook tells whether it is time to look at the worker's memory. function.mu is held.
func (s *slot) toLook() bool {
	if s.function.launcher.config.Workers.Memory <= 0 || s.used.Sub(s.looked) < lookAtMemory {
		return false
	}
	s.looked = s.used
	return true
}

// large tells whether the worker has more memory than it may.
func (s *slot) large() bool {
	most := s.function.launcher.config.Workers.Memory
	if most <= 0 {
		return false
	}
	used := residentMemory(s.worker.process.Pid())
	if s.function.launcher.container != nil { // that was the engine; the worker is what it started
		for _, pid := range children(s.worker.process.Pid()) {
			used += residentMemory(pid)
		}
	}
	if used <= most {
		return false
	}
	s.function.log.Note("info", "a worker is replaced: it has "+used.String()+" of memory, more than workers.memory ("+most.String()+")")
	return true
}

// children are the processes that a process has started and that are there.
func children(pid int) (all []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is valid
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may have ended: then it has none
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// residentMemory is what the process has in memory, or 0 if that cannot be told.
func residentMemory(pid int) spec.Bytes {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return spec.Bytes(pages) * spec.Bytes(os.Getpagesize())
}
