package engine

import (
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// joined hears that a client of the application has connected to Data Xchange, and,
// if it did so over another link than the configuration asks for, why. That is
// in the application's log and, while it runs, in its status.
func (a *application) joined(substituted error) {
	poke(a.joins)
	var remark change
	if substituted != nil {
		remark = change{message: substituted.Error(), hint: fail.HintOf(substituted)}
	}
	a.mu.Lock()
	news := a.remark.message != remark.message
	a.remark = remark
	a.mu.Unlock()
	if !news {
		return
	}
	if substituted != nil {
		a.engine.Logs.Writer(a.name, "", 0).Note("warning", remark.message+". "+remark.hint)
	}
	if p, _, _ := a.engine.board.look(a.name); p.State == spec.Running {
		a.setState(spec.Running, change{})
	}
}

// remarked adds what is to be told of an application that runs.
func (a *application) remarked(s spec.RunState, c change) change {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s != spec.Running || c.message != "" && c.message != a.remark.message {
		return c
	}
	return a.remark
}

// forgetJoins leaves out the clients that have connected so far.
func (a *application) forgetJoins() {
	for {
		select {
		case <-a.joins:
		default:
			return
		}
	}
}
