package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// withWorkers puts keys of workers into a configuration that may have some.
func withWorkers(configuration, keys string) string {
	if strings.Contains(configuration, "workers: {") {
		return strings.Replace(configuration, "workers: {", "workers: {"+keys+", ", 1)
	}
	return configuration + "workers: {" + keys + "}\n"
}

// measureIdle deploys many functions of each runtime and tells what each takes: of the agent, and of
// processes beside it, the sandbox's helpers among them; without a worker, and with one.
func measureIdle(o options, d *device) error {
	t := newTable(fmt.Sprintf("%d idle functions, each", o.idle), "agent", "beside it", "processes", "to deploy")
	for _, s := range subjects() {
		if !slices.Contains(o.only, s.name) || s.missing() != "" {
			continue
		}
		kinds := map[string]string{"min: 0": "min: 0, idle: 50ms", "min: 1": "min: 1"}
		if s.name == "python" { // with the fork server, and without
			kinds["min: 0, warm: 0s"], kinds["min: 1, warm: 0s"] = "min: 0, idle: 50ms, warm: 0s", "min: 1, warm: 0s"
		}
		for _, kind := range sorted(kinds) {
			quiet := s
			quiet.configuration = withWorkers(s.configuration, kinds[kind])
			if err := idleRow(o, d, t, quiet, kind); err != nil {
				return err
			}
		}
	}
	return nil
}

func idleRow(o options, d *device, t *table, s subject, kind string) error {
	agent := d.process.Process.Pid
	before := proportional(agent)
	besides := func() (sum float64, n int) {
		for _, pid := range below(agent) {
			sum += proportional(pid)
			n++
		}
		return sum, n
	}
	beside, count := besides()
	var all []*application
	begun := time.Now()
	for n := range o.idle {
		a, err := d.deploy(s, fmt.Sprintf("idle-%d", n), fmt.Sprintf("triggers: [{topic: idle/%d}]\n", n))
		if err != nil {
			return err
		}
		all = append(all, a)
	}
	took := time.Since(begun)
	time.Sleep(3 * time.Second) // workers end, garbage is collected
	after := proportional(agent)
	sum, processes := besides()
	n := float64(o.idle)
	t.line(s.name+", "+kind, fmt.Sprintf("%.0f kB", (after-before)/n/1e3), fmt.Sprintf("%.2f MB", (sum-beside)/n/1e6),
		fmt.Sprintf("%.1f", float64(processes-count)/n), millis(took/time.Duration(o.idle)))
	for _, a := range all {
		if err := d.delete(a); err != nil {
			return err
		}
	}
	return nil
}

// below are the descendants of a process.
func below(root int) []int {
	children := map[int][]int{}
	names, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], pid)
	}
	found := children[root]
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}
