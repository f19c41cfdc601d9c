package engine

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/spec"
)

// refusals keep an application that is refused the same again and again from filling the
// journal: its log has every word of the sandbox, the server hears of each thing now and then.
type refusals struct {
	mu   sync.Mutex
	told map[string]time.Time // when the server was told last
}

const (
	tellServerAgain = time.Hour
	mostRefusals    = 64 // different ones that are remembered
)

// due tells whether the server is to be told.
func (r *refusals) due(what string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, known := r.told[what]; known && now.Sub(last) < tellServerAgain {
		return false
	}
	if r.told == nil || len(r.told) >= mostRefusals {
		r.told = map[string]time.Time{}
	}
	r.told[what] = now
	return true
}

// refused reports what the sandbox has refused the application.
func (l *launcher) refused(r sandbox.Refusal) {
	a := l.application
	text := "refused by the sandbox: " + r.What
	if r.Count > 1 {
		text += fmt.Sprintf(" (%d times)", r.Count)
	}
	l.log.Note("warning", text)
	if !a.refusals.due(r.What, time.Now()) {
		return
	}
	a.engine.reports.emit(spec.Event{
		Kind: spec.EventDenial, Application: a.name, Version: l.release.Version, Deployment: l.release.Deployment,
		Message: "refused by the sandbox: " + r.What, Hint: refusalHint(r.What),
	}, nil)
}

func refusalHint(what string) string {
	switch {
	case strings.HasPrefix(what, "connection to "):
		return "If it needs this, grant it: resources.network."
	case strings.Contains(what, "limits.processes"):
		return "If it needs more, raise limits.processes."
	}
	return ""
}
