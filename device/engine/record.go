package engine

import (
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// record is all that the engine must know of an application after a crash.
type record struct {
	// Active is what was last switched to: it is what runs. Its State is what
	// should be with it, running or stopped.
	Active *spec.DesiredApplication `json:"active,omitempty"`
	// Attempt is the newest deployment, also one that has ended.
	Attempt *attempt `json:"attempt,omitempty"`
	// Removing: the application is on its way off the device.
	Removing bool `json:"removing,omitempty"`
}

// attempt is a deployment and what became of it.
type attempt struct {
	Desired  spec.DesiredApplication `json:"desired"`
	Outcome  spec.DeploymentStatus   `json:"outcome,omitempty"` // "" while it is under way
	Step     spec.Step               `json:"step,omitempty"`    // at which it ended
	Message  string                  `json:"message,omitempty"`
	Hint     string                  `json:"hint,omitempty"`
	LastLogs []string                `json:"lastLogs,omitempty"`
	// Reported: the outcome is in the journal.
	Reported bool `json:"reported,omitempty"`
}

// underway is the deployment that was begun and has no outcome.
func (r *record) underway() *spec.DesiredApplication {
	if r.Attempt == nil || r.Attempt.Outcome != "" {
		return nil
	}
	return &r.Attempt.Desired
}

// knows tells whether the deployment has been dealt with, well or not.
func (r *record) knows(id spec.DeploymentID) bool {
	if r.Active != nil && r.Active.Deployment == id {
		return true
	}
	return r.Attempt != nil && r.Attempt.Outcome != "" && r.Attempt.Desired.Deployment == id
}

// event is the deployment's outcome as the server is told.
func (t *attempt) event() spec.Event {
	return spec.Event{
		Kind: spec.EventDeployment, Application: t.Desired.Name, Version: t.Desired.Version, Deployment: t.Desired.Deployment,
		Step: t.Step, Status: string(t.Outcome), Message: t.Message, Hint: t.Hint, LastLogs: t.LastLogs,
	}
}

// sameRelease tells whether two desires mean the same code and configuration: versions are immutable.
func sameRelease(a, b *spec.DesiredApplication) bool {
	return a != nil && b != nil && a.Version == b.Version && a.Artifact == b.Artifact
}

// check refuses what would lead out of the engine's directories or make no sense:
// the server has checked it, and the network is not trusted.
func check(d *spec.DesiredApplication) error {
	if err := d.Name.Validate(); err != nil {
		return err
	}
	if err := d.Version.Validate(); err != nil {
		return err
	}
	if err := d.Artifact.Validate(); err != nil {
		return err
	}
	if d.Configuration.Name != d.Name || d.Configuration.Version != d.Version {
		return fail.New(fail.Invalid, "", "it is sent with the configuration of %s %s", d.Configuration.Name, d.Configuration.Version)
	}
	return nil
}
