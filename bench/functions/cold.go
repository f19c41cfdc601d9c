package main

import (
	"fmt"
	"slices"
	"time"
)

// coldTimes calls a function without workers so often, each time when its last worker has ended.
func coldTimes(o options, d *device, a *application) ([]time.Duration, error) {
	var times []time.Duration
	for range o.colds {
		if err := until(a.name+" has no worker", func() bool { return d.workers(a.name) == 0 }); err != nil {
			return nil, err
		}
		time.Sleep(5 * time.Millisecond) // the end is noticed by others, too
		r, err := openRequest(d.gateway, "/"+a.name, 0, o.bytes)
		if err != nil {
			return nil, err
		}
		begun := time.Now()
		err = r.call()
		times = append(times, time.Since(begun))
		r.close()
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(times)
	return times, nil
}

// idleSoon has a function's workers end soon after a call.
func idleSoon(name string) string {
	return fmt.Sprintf("triggers: [{http: POST /%s, auth: public}]\n", name)
}

func measureCold(o options, d *device) error {
	t := newTable("cold start: no worker, request to answer, sandbox included", "p50", "p90", "least")
	if slices.Contains(o.only, "python") {
		if err := coldRows(o, d, t, []string{"python"}, map[string]string{", from nothing": ""}, "min: 0, idle: 50ms, warm: 0s"); err != nil {
			return err
		}
	}
	return coldRows(o, d, t, o.only, map[string]string{"": ""}, "min: 0, idle: 50ms")
}

// coldRows measures subjects, each with several continuations of their configuration.
func coldRows(o options, d *device, t *table, chosen []string, more map[string]string, workers string) error {
	for _, s := range subjects() {
		if !slices.Contains(chosen, s.name) || s.missing() != "" {
			continue
		}
		for _, label := range sorted(more) {
			quick := s
			quick.configuration = withWorkers(s.configuration, workers)
			a, err := d.deploy(quick, s.name, idleSoon(s.name)+more[label])
			if err != nil {
				return err
			}
			times, err := coldTimes(o, d, a)
			if err != nil {
				return err
			}
			t.line(s.name+label, millis(times[len(times)/2]), millis(times[len(times)*9/10]), millis(times[0]))
			if err := d.delete(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// measureIsolation starts the runtime that starts fastest with each level.
func measureIsolation(o options, d *device) error {
	levels := map[string]string{", none": "isolation: none\n", ", sandbox": "isolation: sandbox\n", ", strict": "isolation: strict\n"}
	t := newTable("isolation, per start", "p50", "p90", "least")
	if err := coldRows(o, d, t, []string{"cpp"}, levels, "min: 0, idle: 50ms"); err != nil {
		return err
	}
	t = newTable("isolation, per call (HTTP)", "in flight", "rate/s", "p50", "p99", "CPU/call", "÷ none", "memory")
	base := 0.0
	for _, label := range sorted(levels) {
		for _, s := range subjects() {
			if s.name != "cpp" || s.missing() != "" {
				continue
			}
			a, err := d.deploy(s, s.name, idleSoon(s.name)+levels[label])
			if err != nil {
				return err
			}
			f, err := httpFigures(o, d.gateway, "/"+s.name, 16, d.usedBy(s.name))
			if err != nil {
				return err
			}
			if base == 0 {
				base = f.rate
			}
			t.row(s.name+label, 16, f, f.rate/base, d.memory(s.name))
			if err := d.delete(a); err != nil {
				return err
			}
		}
	}
	return nil
}
