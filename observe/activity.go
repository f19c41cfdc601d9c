package observe

import (
	"slices"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/spec"
)

// Stopwatch counts durations. Its zero value is ready for use, by many goroutines.
type Stopwatch struct {
	counts [len(spec.DurationBounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

// Note counts a duration.
func (s *Stopwatch) Note(d time.Duration) {
	i, _ := slices.BinarySearch(spec.DurationBounds[:], d)
	s.counts[i].Add(1)
	s.sum.Add(int64(d))
}

// Durations is what was counted so far.
func (s *Stopwatch) Durations() spec.Durations {
	d := spec.Durations{Sum: time.Duration(s.sum.Load())}
	for i := range s.counts {
		d.Counts[i] = s.counts[i].Load()
	}
	return d
}

// Activity is what an application's programs did since the agent started, over all
// of its versions.
type Activity struct {
	Application spec.Name
	Function    bool           // what follows of calls and workers is 0 for a service
	Calls       spec.Durations // that a worker was given, by how long the handler took
	Errors      uint64         // of them: the handler raised an exception, or its worker was lost
	Timeouts    uint64         // of them: not answered in time
	Refused     uint64         // calls that found the queue full
	Restarts    uint64         // programs and workers that ended and were started again
	Workers     int            // there now
	Busy        int            // calls under way
	Waiting     int            // calls in the queue
}
