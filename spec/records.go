package spec

import "time"

// Times in records are UTC with microseconds, the finest that every database keeps.

// DeploymentID numbers deployments, from 1, in order of their making.
type DeploymentID int64

// Artifact is a stored archive of code.
type Artifact struct {
	Digest    Digest    `json:"digest"`
	Size      int64     `json:"size" doc:"Bytes, as stored (compressed)."`
	Unpacked  int64     `json:"unpacked" doc:"Bytes, unpacked."`
	Files     int       `json:"files" doc:"Number of regular files."`
	CreatedAt time.Time `json:"createdAt"`
}

// ApplicationVersion is one stored configuration with its artifact: immutable.
// It is a row of the table applications.
type ApplicationVersion struct {
	ID            int64         `json:"id"`
	Name          Name          `json:"name"`
	Version       Version       `json:"version"`
	Artifact      Digest        `json:"artifact"`
	Text          string        `json:"text" doc:"The configuration as its author wrote it, comments included."`
	Configuration Configuration `json:"configuration" doc:"The same, decoded, defaults filled in."`
	// Status is where the version stands in its life.
	Status VersionStatus `json:"status"`
	// Reported is the last word of a deployment engine about this version,
	// "<step>: <status>"; empty before its first deployment.
	Reported string `json:"reported"`
	// Processed tells whether every device it was sent to has finished with it.
	Processed bool `json:"processed"`
	// ExtractedPath is where the engine put it, on the device that reported last.
	ExtractedPath string    `json:"extractedPath"`
	CreatedAt     time.Time `json:"createdAt"`
	UpdatedAt     time.Time `json:"updatedAt"`
}

// VersionStatus is the life of an application version.
type VersionStatus string

// The statuses of an application version.
const (
	VersionStored    VersionStatus = "stored"    // never deployed
	VersionDeploying VersionStatus = "deploying" // on its way to a device
	VersionDeployed  VersionStatus = "deployed"  // a device runs it, or holds it stopped
	VersionFailed    VersionStatus = "failed"    // its last deployment failed
	VersionRetired   VersionStatus = "retired"   // replaced by another version, or taken off
)

// RunState is what should be, or is, the case with an application on a device.
type RunState string

// The run states. Desired ones are Running and Stopped; absence is removal.
const (
	Running    RunState = "running"
	Stopped    RunState = "stopped"
	Deploying  RunState = "deploying"
	Restarting RunState = "restarting" // it ended and waits for its next start
	Failed     RunState = "failed"
	Removed    RunState = "removed"
)

// Application is what devices hold under one name: a placement for each device.
type Application struct {
	Name       Name        `json:"name"`
	Latest     Version     `json:"latest" doc:"The highest version stored."`
	Versions   int         `json:"versions" doc:"How many versions are stored."`
	Placements []Placement `json:"placements"`
	UpdatedAt  time.Time   `json:"updatedAt"`
}

// Placement is an application on a device: what should be, and what is.
type Placement struct {
	Device     DeviceID     `json:"device"`
	Name       Name         `json:"name"`
	Version    Version      `json:"version" doc:"The version that should run."`
	Desired    RunState     `json:"desired"`
	Deployment DeploymentID `json:"deployment" doc:"The deployment that asked for it."`
	State      RunState     `json:"state" doc:"What the device last reported."`
	Actual     Version      `json:"actual" doc:"The version the device holds: after a failed deployment the one before, empty if there is none."`
	Message    string       `json:"message"`
	UpdatedAt  time.Time    `json:"updatedAt"`
}

// DeploymentStatus is how far a deployment, or one device of it, has come.
type DeploymentStatus string

// The statuses of a deployment.
const (
	DeploymentQueued     DeploymentStatus = "queued"
	DeploymentRunning    DeploymentStatus = "running"
	DeploymentSucceeded  DeploymentStatus = "succeeded"
	DeploymentFailed     DeploymentStatus = "failed"
	DeploymentCanceled   DeploymentStatus = "canceled"
	DeploymentSuperseded DeploymentStatus = "superseded" // a newer deployment of the same application took over
)

// Final tells whether the status changes no more.
func (s DeploymentStatus) Final() bool {
	switch s {
	case DeploymentSucceeded, DeploymentFailed, DeploymentCanceled, DeploymentSuperseded:
		return true
	}
	return false
}

// Deployment is an application version set to run on devices.
type Deployment struct {
	ID         DeploymentID       `json:"id"`
	Name       Name               `json:"name"`
	Version    Version            `json:"version"`
	Status     DeploymentStatus   `json:"status"`
	Devices    []DeploymentDevice `json:"devices"`
	CreatedAt  time.Time          `json:"createdAt"`
	UpdatedAt  time.Time          `json:"updatedAt"`
	FinishedAt *time.Time         `json:"finishedAt,omitempty"`
}

// DeploymentDevice is a deployment's course on one device.
type DeploymentDevice struct {
	Device    DeviceID         `json:"device"`
	Status    DeploymentStatus `json:"status"`
	Step      Step             `json:"step" doc:"The step the device is at, or ended with."`
	Message   string           `json:"message" doc:"The reason, when it failed."`
	UpdatedAt time.Time        `json:"updatedAt"`
}

// Step is one step of the deployment engine.
type Step string

// The engine's steps, in order. A device reports started, then succeeded,
// failed or skipped for each.
const (
	StepFetch        Step = "fetch"        // the artifact comes to the device
	StepVerify       Step = "verify"       // its digest and platform are checked
	StepUnpack       Step = "unpack"       // into a new directory of this version
	StepDependencies Step = "dependencies" // packages, and applications it needs
	StepPermissions  Step = "permissions"  // Data Xchange learns its topics
	StepCommands     Step = "commands"     // those that are waited for
	StepStart        Step = "start"        // services and workers
	StepHealthy      Step = "healthy"      // they stay up
	StepSwitch       Step = "switch"       // it replaces the version before
)

// Steps is the order in which the engine takes them.
func Steps() []Step {
	return []Step{StepFetch, StepVerify, StepUnpack, StepDependencies, StepPermissions,
		StepCommands, StepStart, StepHealthy, StepSwitch}
}

// StepStatus is what became of a step.
type StepStatus string

// The statuses of a step.
const (
	StepStarted   StepStatus = "started"
	StepSucceeded StepStatus = "succeeded"
	StepFailed    StepStatus = "failed"
	StepSkipped   StepStatus = "skipped" // nothing to do
)

// Device is a machine with an agent.
type Device struct {
	ID         DeviceID          `json:"id"`
	Platform   Platform          `json:"platform"`
	Agent      string            `json:"agent" doc:"Version of the agent."`
	Labels     map[string]string `json:"labels,omitempty"`
	Facts      map[string]string `json:"facts,omitempty" doc:"What the device found out about itself: kernel, runtimes with versions, isolation it enforces."`
	Connected  bool              `json:"connected"`
	CreatedAt  time.Time         `json:"createdAt"`
	LastSeenAt time.Time         `json:"lastSeenAt"`
}

// EventKind is what an event tells of.
type EventKind string

// The kinds of events.
const (
	EventStep        EventKind = "step"        // a step of a deployment on a device
	EventDeployment  EventKind = "deployment"  // a deployment's outcome on a device
	EventApplication EventKind = "application" // an application's run state changed
	EventDevice      EventKind = "device"      // a device came, went, or says something of itself
	EventDenial      EventKind = "denial"      // Data Xchange refused something
)

// Event is something that happened on a device. Device and Sequence together
// name it: the server applies each once.
type Event struct {
	Device      DeviceID  `json:"device"`
	Sequence    uint64    `json:"sequence"`
	Time        time.Time `json:"time"`
	Kind        EventKind `json:"kind"`
	Application Name      `json:"application,omitempty"`
	// Version is the deployment's, for a step or an outcome. For an application it is
	// what the device holds: the version switched to last, empty if there is none.
	Version    Version      `json:"version,omitempty"`
	Deployment DeploymentID `json:"deployment,omitempty"`
	Step       Step         `json:"step,omitempty"`
	// Status is a StepStatus, DeploymentStatus or RunState, by Kind.
	Status   string   `json:"status,omitempty"`
	Message  string   `json:"message,omitempty"`
	Hint     string   `json:"hint,omitempty"`
	LastLogs []string `json:"lastLogs,omitempty" doc:"The last lines of output, with a failure."`
	Path     string   `json:"path,omitempty" doc:"Where the version is on the device."`
}

// Desired is what a device should run. An application that is not in it is to
// be removed.
type Desired struct {
	Device       DeviceID             `json:"device"`
	Revision     int64                `json:"revision" doc:"Grows with every change."`
	Applications []DesiredApplication `json:"applications"`
	Credentials  []DesiredCredential  `json:"credentials,omitempty" doc:"Who may connect to the device by MQTT and NATS."`
}

// Credential is a login for a client that is no application: a sensor, Node-RED, a
// script. It connects to a device by MQTT or NATS, with its name and a secret.
type Credential struct {
	Name      Name      `json:"name"`
	Device    DeviceID  `json:"device,omitempty" doc:"The device it is good for; every device if left out."`
	Subscribe []Filter  `json:"subscribe" doc:"MQTT topic filters that it may subscribe to."`
	Publish   []Filter  `json:"publish" doc:"Topics or filters that it may publish to."`
	CreatedAt time.Time `json:"createdAt"`
}

// DesiredCredential is a credential as a device checks it.
type DesiredCredential struct {
	Name      Name     `json:"name"`
	Hash      string   `json:"hash" doc:"SHA-256 of the secret, hexadecimal."`
	Subscribe []Filter `json:"subscribe,omitempty"`
	Publish   []Filter `json:"publish,omitempty"`
}

// DesiredApplication is one application that a device should hold.
type DesiredApplication struct {
	Deployment    DeploymentID  `json:"deployment"`
	Name          Name          `json:"name"`
	Version       Version       `json:"version"`
	Artifact      Digest        `json:"artifact"`
	Configuration Configuration `json:"configuration"`
	State         RunState      `json:"state"`
}

// Stream is where a log line came from.
type Stream string

// The streams of a log.
const (
	StreamOut    Stream = "stdout"
	StreamErr    Stream = "stderr"
	StreamLog    Stream = "log"    // through the SDK
	StreamEngine Stream = "engine" // about the application, from the agent
)

// LogLine is one line of an application's output.
type LogLine struct {
	Time        time.Time `json:"time"`
	Application Name      `json:"application"`
	Version     Version   `json:"version,omitempty"`
	Stream      Stream    `json:"stream"`
	Level       string    `json:"level,omitempty"`
	Text        string    `json:"text"`
}

// Message is a message of a topic as people see it in a tail.
type Message struct {
	Time    time.Time `json:"time"`
	Topic   Topic     `json:"topic"`
	From    string    `json:"from,omitempty" doc:"Who published it: an application, @nats for a client of NATS or MQTT, @agent for the API."`
	Payload []byte    `json:"payload" doc:"Base64."`
}
