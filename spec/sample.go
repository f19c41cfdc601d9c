package spec

import (
	"maps"
	"math"
	"slices"
	"time"
)

// Sample is what a device tells of a period: what happened in it, and how things stood. Its
// JSON is short, because an idle device sends little else.
type Sample struct {
	End    int64 `json:"t"` // of the period, in milliseconds since 1970
	Period int64 `json:"p"` // in milliseconds

	CPU         float64 `json:"c,omitempty"` // processor seconds that the whole device was busy
	Processors  int     `json:"n,omitempty"`
	Memory      int64   `json:"m,omitempty"` // bytes that are not available to programs
	MemoryTotal int64   `json:"M,omitempty"`
	Disk        int64   `json:"d,omitempty"` // bytes in use where the agent keeps its state
	DiskTotal   int64   `json:"D,omitempty"`
	Agent       int64   `json:"a,omitempty"` // resident bytes of the agent's process
	Booted      int64   `json:"b,omitempty"` // when the device was started, in seconds since 1970

	Messages uint64 `json:"x,omitempty"` // published on Data Xchange by anybody
	Bytes    uint64 `json:"X,omitempty"` // of their payloads

	// Applications are those of which there is something new.
	Applications map[Name]ApplicationSample `json:"A,omitempty"`
}

// ApplicationSample is an application's part of a [Sample].
type ApplicationSample struct {
	In       uint64 `json:"i,omitempty"` // messages that it published
	InBytes  uint64 `json:"I,omitempty"`
	Out      uint64 `json:"o,omitempty"` // messages that were queued for it
	OutBytes uint64 `json:"O,omitempty"`
	Dropped  uint64 `json:"d,omitempty"`
	Denied   uint64 `json:"e,omitempty"`

	Calls    uint64  `json:"c,omitempty"` // that a worker was given
	Errors   uint64  `json:"f,omitempty"` // of them
	Timeouts uint64  `json:"t,omitempty"` // of them
	Refused  uint64  `json:"r,omitempty"` // calls that found the queue full
	Restarts uint64  `json:"s,omitempty"`
	Seconds  float64 `json:"u,omitempty"` // that the calls took together
	// Took is how many calls there were in each class of [DurationBounds], by its number.
	Took map[int]uint64 `json:"h,omitempty"`

	CPU     float64 `json:"p,omitempty"` // processor seconds
	Memory  int64   `json:"m,omitempty"` // see sandbox.Usage
	Workers int     `json:"w,omitempty"`
	Waiting int     `json:"q,omitempty"` // calls in the queue
}

// Time is the end of the period.
func (s Sample) Time() time.Time { return time.UnixMilli(s.End).UTC() }

// Length is that of the period.
func (s Sample) Length() time.Duration { return time.Duration(s.Period) * time.Millisecond }

// Then is s followed by next: counts are added, of what stands the mean over the time is taken. Both stay as they are.
func (s Sample) Then(next Sample) Sample {
	if s.Period == 0 {
		return next
	}
	mean := meaner(float64(s.Period), float64(next.Period))
	r := next
	r.Period += s.Period
	r.CPU += s.CPU
	r.Memory, r.Disk, r.Agent = mean(s.Memory, r.Memory), mean(s.Disk, r.Disk), mean(s.Agent, r.Agent)
	r.Messages += s.Messages
	r.Bytes += s.Bytes
	r.Applications = joined(s.Applications, next.Applications, func(a, b ApplicationSample) ApplicationSample {
		c := a.counts(b)
		c.Memory, c.Workers, c.Waiting = mean(a.Memory, b.Memory), int(mean(int64(a.Workers), int64(b.Workers))), int(mean(int64(a.Waiting), int64(b.Waiting)))
		return c
	})
	return r
}

// Standing is s with what stands as it does in last.
func (s Sample) Standing(last Sample) Sample {
	s.Memory, s.Disk, s.Agent = last.Memory, last.Disk, last.Agent
	s.Applications = maps.Clone(s.Applications)
	for name, now := range last.Applications {
		a := s.Applications[name]
		a.Memory, a.Workers, a.Waiting = now.Memory, now.Workers, now.Waiting
		s.Applications[name] = a
	}
	return s
}

// Beside is s and, at the same time, other on another device: everything is added.
func (s Sample) Beside(other Sample) Sample {
	r := s
	r.End, r.Period = max(s.End, other.End), max(s.Period, other.Period)
	r.CPU += other.CPU
	r.Processors += other.Processors
	r.Memory, r.MemoryTotal = r.Memory+other.Memory, r.MemoryTotal+other.MemoryTotal
	r.Disk, r.DiskTotal = r.Disk+other.Disk, r.DiskTotal+other.DiskTotal
	r.Agent += other.Agent
	r.Booted = 0
	r.Messages += other.Messages
	r.Bytes += other.Bytes
	r.Applications = joined(s.Applications, other.Applications, func(a, b ApplicationSample) ApplicationSample {
		c := a.counts(b)
		c.Memory, c.Workers, c.Waiting = a.Memory+b.Memory, a.Workers+b.Workers, a.Waiting+b.Waiting
		return c
	})
	return r
}

// counts adds what is counted.
func (a ApplicationSample) counts(b ApplicationSample) ApplicationSample {
	a.In, a.InBytes = a.In+b.In, a.InBytes+b.InBytes
	a.Out, a.OutBytes = a.Out+b.Out, a.OutBytes+b.OutBytes
	a.Dropped, a.Denied = a.Dropped+b.Dropped, a.Denied+b.Denied
	a.Calls, a.Errors, a.Timeouts = a.Calls+b.Calls, a.Errors+b.Errors, a.Timeouts+b.Timeouts
	a.Refused, a.Restarts = a.Refused+b.Refused, a.Restarts+b.Restarts
	a.Seconds += b.Seconds
	a.CPU += b.CPU
	a.Took = joined(a.Took, b.Took, func(x, y uint64) uint64 { return x + y })
	return a
}

// Durations is Took as a histogram.
func (a ApplicationSample) Durations() Durations {
	d := Durations{Sum: time.Duration(a.Seconds * float64(time.Second))}
	for class, n := range a.Took {
		if class >= 0 && class < len(d.Counts) {
			d.Counts[class] = n
		}
	}
	return d
}

// Busy tells whether anything happened.
func (a ApplicationSample) Busy() bool {
	return a.In|a.Out|a.Dropped|a.Denied|a.Calls|a.Refused|a.Restarts != 0
}

func meaner(before, after float64) func(a, b int64) int64 {
	return func(a, b int64) int64 {
		return int64(math.Round((float64(a)*before + float64(b)*after) / (before + after)))
	}
}

// joined is a and b in a new map; both decides where they have the same key.
func joined[K comparable, V any](a, b map[K]V, both func(a, b V) V) map[K]V {
	if len(a) == 0 {
		return b
	}
	r := maps.Clone(a)
	for key, v := range b {
		if before, there := r[key]; there {
			v = both(before, v)
		}
		r[key] = v
	}
	return r
}

// Names are those of the applications, in order.
func (s Sample) Names() []Name { return slices.Sorted(maps.Keys(s.Applications)) }
