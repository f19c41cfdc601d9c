package meter

import (
	"strings"
	"time"

	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/observe"
	"fescue.dev/fescue/spec"
)

// reading is all that is counted, at one moment.
type reading struct {
	at           time.Time
	machine      machine
	exchange     map[spec.Name]exchange.ApplicationStats // the agent itself and clients from outside are ""
	activity     map[spec.Name]observe.Activity
	usage        map[spec.Name]sandbox.Usage
	applications []spec.Name
}

func (m *Meter) read() reading {
	r := reading{
		at: time.Now(), machine: readMachine(m.Dir),
		exchange: map[spec.Name]exchange.ApplicationStats{}, activity: map[spec.Name]observe.Activity{},
	}
	for _, s := range m.Exchange.Stats().Applications {
		r.exchange[s.Application] = s
	}
	for _, a := range m.Engine.Activity() {
		r.activity[a.Application] = a
		r.applications = append(r.applications, a.Application)
	}
	r.usage = byApplication(m.Usage())
	return r
}

// byApplication adds up what the versions of each application take.
func byApplication(usage map[spec.Name]sandbox.Usage) map[spec.Name]sandbox.Usage {
	all := map[spec.Name]sandbox.Usage{}
	for group, u := range usage {
		name, _, _ := strings.Cut(string(group), "@")
		sum := all[spec.Name(name)]
		sum.CPU, sum.Memory, sum.Processes = sum.CPU+u.CPU, sum.Memory+u.Memory, sum.Processes+u.Processes
		all[spec.Name(name)] = sum
	}
	return all
}

// since is what happened after another reading, of applications with something new or of
// all.
func (r reading) since(before reading, all bool) spec.Sample {
	s := spec.Sample{
		End: r.at.UnixMilli(), Period: max(r.at.Sub(before.at).Milliseconds(), 1),
		CPU: rounded(more(r.machine.cpu, before.machine.cpu)), Processors: r.machine.processors,
		Memory: r.machine.memory, MemoryTotal: r.machine.memoryTotal,
		Disk: r.machine.disk, DiskTotal: r.machine.diskTotal,
		Agent: r.machine.agent, Booted: r.machine.booted.Unix(),
	}
	for name, x := range r.exchange {
		s.Messages += more(x.In, before.exchange[name].In)
		s.Bytes += more(x.InBytes, before.exchange[name].InBytes)
	}
	for _, name := range r.applications {
		a := r.application(name, before)
		if all || a.Busy() || a.CPU > 0 || a.Workers != before.activity[name].Workers || changed(a.Memory, before.usage[name].Memory) {
			if s.Applications == nil {
				s.Applications = map[spec.Name]spec.ApplicationSample{}
			}
			s.Applications[name] = a
		}
	}
	return s
}

func (r reading) application(name spec.Name, before reading) spec.ApplicationSample {
	x, xb := r.exchange[name], before.exchange[name]
	a, ab := r.activity[name], before.activity[name]
	took, sum := a.Calls.Since(ab.Calls)
	return spec.ApplicationSample{
		In: more(x.In, xb.In), InBytes: more(x.InBytes, xb.InBytes), Out: more(x.Out, xb.Out), OutBytes: more(x.OutBytes, xb.OutBytes),
		Dropped: more(x.Dropped, xb.Dropped), Denied: more(x.Denied, xb.Denied),
		Calls: more(a.Calls.Count(), ab.Calls.Count()), Errors: more(a.Errors, ab.Errors), Timeouts: more(a.Timeouts, ab.Timeouts),
		Refused: more(a.Refused, ab.Refused), Restarts: more(a.Restarts, ab.Restarts), Seconds: max(sum.Seconds(), 0), Took: took,
		CPU: rounded(more(r.usage[name].CPU, before.usage[name].CPU)), Memory: r.usage[name].Memory,
		Workers: a.Workers, Waiting: a.Waiting,
	}
}

// more is how much a counter has risen; one that is lower than before has begun anew.
func more[T uint64 | time.Duration](now, before T) T {
	if now < before {
		return now
	}
	return now - before
}

// rounded keeps samples short: processor time is counted in hundredths.
func rounded(d time.Duration) float64 { return d.Round(10 * time.Millisecond).Seconds() }

// changed tells whether memory is noticeably more or less: by a megabyte.
func changed(now, before int64) bool { return now-before > 1<<20 || before-now > 1<<20 }
