package engine

import (
	"context"
	"fmt"
	"sync"

	"fescue.dev/fescue/device/logs"
	"fescue.dev/fescue/spec"
)

// instance is a version of an application that runs.
type instance interface {
	// watch has f called with every change of the run state. Before begin or keep.
	watch(f func(spec.RunState, change))
	// begin starts it, for a deployment: what cannot be started is an error.
	begin(ctx context.Context) error
	// healthy waits until it is up, or says why not. After begin.
	healthy(ctx context.Context) error
	// keep starts it and goes on trying for ever, in place of begin and healthy.
	keep()
	// activate tells it that it is the version that runs.
	activate()
	// stop ends everything and returns when it is gone, with the calls that were
	// waiting and were not begun.
	stop() []*call
}

// troubles are the parts of an instance that are down, and make its run state.
type troubles struct {
	log      *logs.Writer
	activity *activity

	mu     sync.Mutex
	notify func(spec.RunState, change)
	down   map[int]string
}

func (t *troubles) watch(f func(spec.RunState, change)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notify = f
}

// up notes that a part is up again.
func (t *troubles) up(part int) {
	t.mu.Lock()
	delete(t.down, part)
	notify, well := t.notify, len(t.down) == 0
	t.mu.Unlock()
	if well && notify != nil {
		notify(spec.Running, change{})
	}
}

// ended notes that a part has ended and is started again after a pause; count
// is its failures within the window.
func (t *troubles) ended(part int, what string, pause string, count int) {
	t.log.Note("warning", fmt.Sprintf("%s; starting it again in %s", what, pause))
	t.activity.restarted.Add(1)
	t.mu.Lock()
	if t.down == nil {
		t.down = map[int]string{}
	}
	t.down[part] = what
	notify := t.notify
	t.mu.Unlock()
	if notify == nil {
		return
	}
	c := change{message: what, lastLogs: lastLines(t.log)}
	switch {
	case count < manyFailures:
		notify(spec.Restarting, c)
	case count == manyFailures:
		c.message = fmt.Sprintf("%s, for the %dth time in a short while", what, count)
		c.hint = "See its logs for why. It is started again from time to time."
		notify(spec.Failed, c)
	}
}

// reportedLines of output go with a failure.
const reportedLines = 20

// lastLines are the last lines that the application itself has printed.
func lastLines(w *logs.Writer) []string {
	var lines []string
	for _, l := range w.Tail(3 * reportedLines) {
		if l.Stream != spec.StreamEngine {
			lines = append(lines, l.Text)
		}
	}
	return lines[max(0, len(lines)-reportedLines):]
}
