package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// row is one line of the table for each size.
type row struct {
	link, language string
	// client is the command that plays a role, "ask" or "answer".
	client command
	// broker starts what is between the clients and gives the environment in which they
	// find it; nil: nobody is.
	broker func(ctx context.Context, o options) (*process, []string, error)
	// pair: both sides inherit a socket pair.
	pair bool
}

// patience bounds a run; it takes a small part of that.
const patience = 2 * time.Minute

// measure takes the medians of a row's runs.
func measure(ctx context.Context, r row, size int, o options) (figures, error) {
	var all []figures
	for range o.runs {
		f, err := runOnce(ctx, r, size, o)
		if err != nil {
			return figures{}, err
		}
		all = append(all, f)
	}
	return figures{
		p50:     median(all, func(f figures) time.Duration { return f.p50 }),
		p99:     median(all, func(f figures) time.Duration { return f.p99 }),
		rate:    median(all, func(f figures) float64 { return f.rate }),
		broker:  median(all, func(f figures) time.Duration { return f.broker }),
		clients: median(all, func(f figures) time.Duration { return f.clients }),
	}, nil
}

func median[T time.Duration | float64](all []figures, of func(figures) T) T {
	var v []T
	for _, f := range all {
		v = append(v, of(f))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// parts are the processes of a run.
type parts struct {
	broker      *process // nil: nobody is between
	ask, answer *process
}

func runOnce(ctx context.Context, r row, size int, o options) (f figures, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := startParts(ctx, r, size, o)
	defer p.stop()
	if err != nil {
		return f, err
	}
	trips, err := p.warm("trips", 50, o.each)
	if err != nil {
		return f, err
	}
	quantiles, err := p.ask.ask("trips", trips)
	if err != nil || len(quantiles) != 2 {
		return f, fmt.Errorf("round trips: %v, %w", quantiles, err)
	}
	f.p50, f.p99 = time.Duration(quantiles[0]), time.Duration(quantiles[1])
	messages, err := p.warm("flow", 1000, o.each)
	if err != nil {
		return f, err
	}
	broker, clients := p.cpu()
	took, err := p.ask.ask("flow", messages)
	if err != nil || len(took) != 1 {
		return f, fmt.Errorf("one way: %v, %w", took, err)
	}
	brokerAfter, clientsAfter := p.cpu()
	f.rate = float64(messages) / time.Duration(took[0]).Seconds()
	f.broker = (brokerAfter - broker) / time.Duration(messages)
	f.clients = (clientsAfter - clients) / time.Duration(messages)
	return f, nil
}

func startParts(ctx context.Context, r row, size int, o options) (p parts, err error) {
	var env []string
	if r.broker != nil {
		if p.broker, env, err = r.broker(ctx, o); err != nil {
			return p, err
		}
	}
	pair := []*os.File{nil, nil}
	if r.pair {
		if pair, err = socketPair(); err != nil {
			return p, err
		}
	}
	if p.answer, err = start(ctx, r.client("answer", size), env, pair[0]); err != nil {
		return p, err
	}
	p.ask, err = start(ctx, r.client("ask", size), env, pair[1])
	return p, err
}

// warm repeats a task, each time four times as often, until it takes a third of the time that
// it is to take: code is compiled by then, memory is there, and the number of repetitions that it
// returns is known.
func (p parts) warm(task string, n int, each time.Duration) (int, error) {
	for ; ; n *= 4 {
		begin := time.Now()
		if _, err := p.ask.ask(task, n); err != nil {
			return 0, fmt.Errorf("%s, to warm up: %w", task, err)
		}
		if took := time.Since(begin); took >= each/3 {
			return max(1, int(float64(n)*float64(each)/float64(took))), nil
		}
	}
}

// cpu is the processor time that was used.
func (p parts) cpu() (broker, clients time.Duration) {
	if p.broker != nil {
		broker = p.broker.cpu()
	}
	return broker, p.ask.cpu() + p.answer.cpu()
}

func (p parts) stop() {
	for _, one := range []*process{p.ask, p.answer, p.broker} {
		if one != nil {
			one.stop()
		}
	}
}
