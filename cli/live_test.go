package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/spec"
)

// The live display draws over itself, and no line is wider than the terminal.
func TestLiveDisplay(t *testing.T) {
	var screen bytes.Buffer
	l := &live{w: &screen, width: func() int { return 40 }, steps: steps{at: map[stepKey]int{}}}
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	step := func(name spec.Step, status spec.StepStatus, after time.Duration, message string) {
		l.event(spec.Event{Kind: spec.EventStep, Device: "d", Step: name, Status: string(status), Time: begun.Add(after), Message: message})
	}
	step(spec.StepFetch, spec.StepStarted, 0, "")
	step(spec.StepFetch, spec.StepSucceeded, 20*time.Millisecond, "")
	step(spec.StepVerify, spec.StepStarted, 20*time.Millisecond, "")
	l.draw()
	screen.Reset()
	step(spec.StepVerify, spec.StepFailed, 1500*time.Millisecond, strings.Repeat("long ", 20)+"\nsecond line")
	l.draw()
	got := screen.String()
	if !strings.HasPrefix(got, "\x1b[2A") || strings.Count(got, "\n") != 2 {
		t.Errorf("two lines are not drawn over: %q", got)
	}
	for _, code := range []string{clearLine, green, red, dim, plainText, "\x1b[2A"} {
		got = strings.ReplaceAll(got, code, "")
	}
	lines := strings.Split(got, "\n")
	if want := "  ✓ fetch         20 ms"; lines[0] != want {
		t.Errorf("%q, want %q", lines[0], want)
	}
	if !strings.HasPrefix(lines[1], "  ✗ verify        1.5 s  long long") || len([]rune(lines[1])) > 40 {
		t.Errorf("%q (%d wide)", lines[1], len([]rune(lines[1])))
	}
}
