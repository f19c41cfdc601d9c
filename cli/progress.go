package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/mattn/go-isatty"

	"fescue.dev/fescue/spec"
)

// progress shows the steps of a deployment as they come. Events arrive in
// order; finish is called once, after the last.
type progress interface {
	event(e spec.Event)
	finish()
}

// newProgress is a live display on a terminal, and a line for each finished
// step elsewhere.
func newProgress(w io.Writer) progress {
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb" {
		return newLive(f)
	}
	return &plain{w: w, begun: map[stepKey]time.Time{}}
}

// stepKey is a step on a device.
type stepKey struct {
	device spec.DeviceID
	step   spec.Step
}

func took(from, to time.Time) string {
	if from.IsZero() || to.Before(from) {
		return ""
	}
	d := to.Sub(from)
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// plain writes one line for each step that ended.
type plain struct {
	w     io.Writer
	begun map[stepKey]time.Time
}

func (p *plain) event(e spec.Event) {
	if e.Kind != spec.EventStep {
		return
	}
	key := stepKey{e.Device, e.Step}
	if spec.StepStatus(e.Status) == spec.StepStarted {
		p.begun[key] = e.Time
		return
	}
	line := fmt.Sprintf("%-13s %-10s %s", e.Step, e.Status, took(p.begun[key], e.Time))
	if e.Message != "" {
		line += "  " + e.Message
	}
	fmt.Fprintln(p.w, strings.TrimRight(line, " "))
}

func (p *plain) finish() {}

// live is a bubbletea program that draws the steps in place.
type live struct {
	program *tea.Program
	done    chan struct{}
}

func newLive(f *os.File) *live {
	l := &live{done: make(chan struct{})}
	// No input and no signal handler: Ctrl-C ends the command by its context.
	l.program = tea.NewProgram(&steps{at: map[stepKey]int{}}, tea.WithOutput(f), tea.WithInput(nil), tea.WithoutSignalHandler())
	go func() {
		defer close(l.done)
		_, _ = l.program.Run() // a display that cannot draw does not fail a deployment
	}()
	return l
}

func (l *live) event(e spec.Event) { l.program.Send(e) }

func (l *live) finish() {
	l.program.Send(closing{})
	<-l.done
}

type (
	closing struct{}
	tick    time.Time
)

// steps is the model of the live display: a line for each step that began.
type steps struct {
	lines []stepLine
	at    map[stepKey]int
	frame int
	ended bool
}

type stepLine struct {
	key        stepKey
	status     spec.StepStatus
	begun, end time.Time
	message    string
}

func (*steps) Init() tea.Cmd { return nextTick() }

func nextTick() tea.Cmd {
	return tea.Tick(100*time.Millisecond, func(t time.Time) tea.Msg { return tick(t) })
}

// Update takes in an event, a tick of the spinner, or the end.
func (m *steps) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case spec.Event:
		m.take(msg)
	case tick:
		m.frame++
		return m, nextTick()
	case closing:
		m.ended = true
		return m, tea.Quit
	}
	return m, nil
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

// View draws the lines.
func (m *steps) View() tea.View {
	var b strings.Builder
	for _, l := range m.lines {
		b.WriteString(l.draw(m.frame))
		b.WriteByte('\n')
	}
	return tea.NewView(b.String())
}

func (l *stepLine) draw(frame int) string {
	green, red := lipgloss.NewStyle().Foreground(lipgloss.Green), lipgloss.NewStyle().Foreground(lipgloss.Red)
	dim := lipgloss.NewStyle().Faint(true)
	mark, spent := "", took(l.begun, l.end)
	switch l.status {
	case spec.StepSucceeded:
		mark = green.Render("✓")
	case spec.StepFailed:
		mark = red.Render("✗")
	case spec.StepSkipped:
		mark, spent = dim.Render("–"), "nothing to do"
	default:
		spinner := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
		mark, spent = string(spinner[frame%len(spinner)]), took(l.begun, time.Now())
	}
	return strings.TrimRight(fmt.Sprintf("  %s %-13s %s  %s", mark, l.key.step, dim.Render(spent), l.message), " ")
}
