package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// figures are those of one row: of several runs, the medians.
type figures struct {
	p50, p99 time.Duration
	rate     float64       // answers a second
	cpu      time.Duration // that an answer took of the other side's processes
}

// caller makes calls one after the other, and checks each answer.
type caller interface {
	call() error
	close()
}

// load has n callers call for the time, each as fast as it is answered.
func load(n int, limit time.Duration, open func(i int) (caller, error)) (figures, error) {
	callers := make([]caller, n)
	for i := range callers {
		c, err := open(i)
		if err != nil {
			return figures{}, err
		}
		defer c.close()
		callers[i] = c
	}
	times, errs := make([][]time.Duration, n), make([]error, n)
	var group sync.WaitGroup
	warm := time.Now().Add(limit / 5)
	begun := time.Now()
	end := warm.Add(limit)
	for i, c := range callers {
		group.Go(func() {
			var mine []time.Duration
			for now := time.Now(); now.Before(end); {
				if errs[i] = c.call(); errs[i] != nil {
					return
				}
				done := time.Now()
				if now.After(warm) {
					mine = append(mine, done.Sub(now))
				}
				now = done
			}
			times[i] = mine
		})
	}
	group.Wait()
	took := time.Since(begun) - limit/5
	if err := errors.Join(errs...); err != nil {
		return figures{}, err
	}
	return summary(slices.Concat(times...), took)
}

// summary is of the times of single calls, done within took.
func summary(times []time.Duration, took time.Duration) (figures, error) {
	if len(times) == 0 {
		return figures{}, errors.New("no call was answered in time")
	}
	slices.Sort(times)
	return figures{p50: times[len(times)/2], p99: times[len(times)*99/100], rate: float64(len(times)) / took.Seconds()}, nil
}

// repeated takes the medians of several runs. used is the processor time of the other side so far.
func repeated(runs int, used func() time.Duration, measure func() (figures, error)) (figures, error) {
	var p50, p99, cpu []time.Duration
	var rates []float64
	for range runs {
		before, begun := used(), time.Now()
		f, err := measure()
		if err != nil {
			return f, err
		}
		calls := f.rate * time.Since(begun).Seconds()
		cpu = append(cpu, time.Duration(float64(used()-before)/calls))
		p50, p99, rates = append(p50, f.p50), append(p99, f.p99), append(rates, f.rate)
	}
	return figures{median(p50), median(p99), median(rates), median(cpu)}, nil
}

func median[T time.Duration | float64](v []T) T {
	slices.Sort(v)
	return v[len(v)/2]
}

func micros(d time.Duration) string { return fmt.Sprintf("%.0f µs", float64(d)/1e3) }

func millis(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/1e6) }

// event is the nth payload, JSON of so many bytes that nobody else sends.
func event(buffer []byte, who int, n uint64, size int) []byte {
	b := fmt.Appendf(buffer[:0], `{"n":%d,"of":%d,"text":"`, n, who)
	for len(b) < size-2 {
		b = append(b, 'x')
	}
	return append(b, '"', '}')
}
