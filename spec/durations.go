package spec

import "time"

// DurationBounds are the upper bounds of the classes in which durations are counted;
// the last class is what is longer than all of them.
var DurationBounds = [...]time.Duration{
	time.Millisecond / 2, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
}

// Durations are a histogram: how many durations there were in each class, and their sum.
type Durations struct {
	Counts [len(DurationBounds) + 1]uint64
	Sum    time.Duration
}

// Count is how many durations there were.
func (d Durations) Count() (n uint64) {
	for _, c := range d.Counts {
		n += c
	}
	return n
}

// Quantile estimates the duration that a share q (0 to 1) of all does not exceed, as
// if those of a class were spread evenly over it; zero where there are none.
func (d Durations) Quantile(q float64) time.Duration {
	want, below := q*float64(d.Count()), 0.0
	var from time.Duration
	for i, bound := range DurationBounds {
		here := float64(d.Counts[i])
		if here > 0 && below+here >= want {
			return from + time.Duration(float64(bound-from)*(want-below)/here)
		}
		below += here
		from = bound
	}
	if below == float64(d.Count()) { // all are counted: there were none
		return 0
	}
	return from // longer than the last bound: how much is not known
}

// Since is what was counted between two histograms of the same [Stopwatch].
func (d Durations) Since(before Durations) (took map[int]uint64, sum time.Duration) {
	for class, n := range d.Counts {
		more := n
		if n >= before.Counts[class] {
			more -= before.Counts[class] // else it has begun anew
		}
		if more > 0 {
			if took == nil {
				took = map[int]uint64{}
			}
			took[class] = more
		}
	}
	if d.Sum < before.Sum {
		return took, d.Sum
	}
	return took, d.Sum - before.Sum
}
