package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

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
