package main

import (
	"fmt"
	"maps"
	"slices"
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

// measureIdle deploys many functions of Python and tells what each takes, of the agent and of
// processes of its own: with a worker kept, and without.
func measureIdle(o options, d *device) error {
	t := newTable(fmt.Sprintf("%d idle functions, each", o.idle), "agent", "processes", "of them")
	for _, kind := range []struct{ name, workers string }{{"python, min: 0", "min: 0, idle: 50ms"}, {"python, min: 1", "min: 1"}} {
		s := subjects()[0]
		s.configuration = withWorkers(s.configuration, kind.workers)
		before := proportional(d.process.Process.Pid)
		var all []*application
		for n := range o.idle {
			a, err := d.deploy(s, fmt.Sprintf("idle-%d", n), fmt.Sprintf("triggers: [{topic: idle/%d}]\n", n))
			if err != nil {
				return err
			}
			all = append(all, a)
		}
		time.Sleep(3 * time.Second) // workers end, garbage is collected
		after := proportional(d.process.Process.Pid)
		sum, processes := 0.0, 0
		for _, a := range all {
			for _, pid := range d.processes(a.name) {
				sum += proportional(pid)
				processes++
			}
		}
		n := float64(o.idle)
		t.line(kind.name, fmt.Sprintf("%.0f kB", (after-before)/n/1e3), fmt.Sprintf("%.1f MB", sum/n/1e6), fmt.Sprintf("%.1f", float64(processes)/n))
		for _, a := range all {
			if err := d.delete(a); err != nil {
				return err
			}
		}
	}
	return nil
}
