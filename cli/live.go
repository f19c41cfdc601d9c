package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/spec"
)

// live draws the steps in place, on a terminal. It is a handful of escape sequences: a library
// for terminals would be 1.5 MB of a binary that runs on devices.
type live struct {
	w     io.Writer
	width func() int // of the terminal; 0 if it is not known

	mu    sync.Mutex
	steps steps
	drawn int // lines on the screen

	stop chan struct{}
	done chan struct{}
}

const frameTime = 100 * time.Millisecond

func newLive(f *os.File) *live {
	l := &live{w: f, width: func() int { return widthOf(f) }, steps: steps{at: map[stepKey]int{}}, stop: make(chan struct{}), done: make(chan struct{})}
	go l.run()
	return l
}

// run draws until finish.
func (l *live) run() {
	defer close(l.done)
	t := time.NewTicker(frameTime)
	defer t.Stop()
	for {
		select {
		case <-l.stop:
			l.draw()
			return
		case <-t.C:
			l.draw()
		}
	}
}

func (l *live) event(e spec.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.steps.take(e)
}

func (l *live) finish() {
	close(l.stop)
	<-l.done
}

// Control sequences of ECMA-48.
const (
	up        = "\x1b[%dA"
	clearLine = "\x1b[2K"
	green     = "\x1b[32m"
	red       = "\x1b[31m"
	dim       = "\x1b[2m"
	plainText = "\x1b[0m"
)

// draw replaces what is drawn.
func (l *live) draw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	if l.drawn > 0 {
		fmt.Fprintf(&b, up, l.drawn)
	}
	width := l.width()
	for _, line := range l.steps.lines {
		b.WriteString(clearLine + line.draw(l.steps.frame, width) + "\n")
	}
	l.drawn = len(l.steps.lines)
	l.steps.frame++
	_, _ = io.WriteString(l.w, b.String()) // a display that cannot draw does not fail a deployment
}

// widthOf is the terminal's width.
func widthOf(f *os.File) int {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}

// steps are what is shown: a line for each step that began.
type steps struct {
	lines []stepLine
	at    map[stepKey]int
	frame int
}

type stepLine struct {
	key        stepKey
	status     spec.StepStatus
	begun, end time.Time
	message    string
}

func (m *steps) take(e spec.Event) {
	if e.Kind != spec.EventStep {
		return
	}
	key := stepKey{e.Device, e.Step}
	i, known := m.at[key]
	if !known {
		i = len(m.lines)
		m.at[key] = i
		m.lines = append(m.lines, stepLine{key: key, begun: e.Time})
	}
	line := &m.lines[i]
	line.status, line.message = spec.StepStatus(e.Status), e.Message
	if line.status == spec.StepStarted {
		line.begun, line.end = e.Time, time.Time{}
	} else {
		line.end = e.Time
	}
}

// draw is the line as it stands, cut to the width: one that wraps could not be
// drawn over.
func (l *stepLine) draw(frame, width int) string {
	mark, colour, spent := "", "", took(l.begun, l.end)
	switch l.status {
	case spec.StepSucceeded:
		mark, colour = "✓", green
	case spec.StepFailed:
		mark, colour = "✗", red
	case spec.StepSkipped:
		mark, colour, spent = "–", dim, "nothing to do"
	default:
		spinner := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
		mark, spent = string(spinner[frame%len(spinner)]), took(l.begun, time.Now())
	}
	name := fmt.Sprintf(" %-13s ", l.key.step)
	message := []rune("  " + strings.ReplaceAll(l.message, "\n", " "))
	if room := width - 3 - len(name) - len([]rune(spent)) - 1; width > 0 && len(message) > room {
		message = message[:max(room, 0)]
	}
	return strings.TrimRight("  "+colour+mark+plainText+name+dim+spent+plainText+string(message), " ")
}
