package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// processes are those of an application, without the sandbox's helpers.
func (d *device) processes(app string) []int {
	var found []int
	entries, _ := os.ReadDir("/proc") // it is there
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		environ, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err == nil && bytes.Contains(environ, []byte("FESCUE_APPLICATION="+app+"\x00")) && bytes.Contains(environ, []byte(d.state)) {
			found = append(found, pid)
		}
	}
	return found
}

// workers are the processes of an application but the one that workers are forked of.
func (d *device) workers(app string) int {
	n := 0
	for _, pid := range d.processes(app) {
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil && string(name) != "fescue-fork\n" {
			n++
		}
	}
	return n
}

// memory is what the processes of an application take of their own.
func (d *device) memory(app string) string {
	sum := 0.0
	all := d.processes(app)
	for _, pid := range all {
		sum += proportional(pid)
	}
	return fmt.Sprintf("%.1f MB in %d", sum/1e6, len(all))
}

// proportional is a process's proportional set size, in bytes; 0 if it is gone.
func proportional(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "Pss:" {
			v, _ := strconv.ParseFloat(words[1], 64)
			return 1024 * v
		}
	}
	return 0
}

// usedBy is the processor time of the agent and of an application's processes.
func (d *device) usedBy(app string) func() time.Duration {
	return func() time.Duration {
		sum := processorTime(d.process.Process.Pid)
		for _, pid := range d.processes(app) {
			sum += processorTime(pid)
		}
		return sum
	}
}

func (p *peer) used() time.Duration { return processorTime(p.process.Process.Pid) }

// processorTime is what a process has used so far; the kernel counts hundredths of a second.
func processorTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	sum := time.Duration(0)
	for _, f := range fields[11:13] { // utime and stime (proc_pid_stat(5))
		n, _ := strconv.Atoi(f)
		sum += time.Duration(n) * 10 * time.Millisecond
	}
	return sum
}
