package fabric

import (
	"strings"

	"fescue.dev/fescue/spec"
)

// The subjects of the control account. A device's name is one token, as it is
// a DNS label.
const prefix = "fescue.v1."

// anyDevice stands for every device where a subject is subscribed to.
const anyDevice = spec.DeviceID("*")

// Verb names what a device is asked to do in a [Call].
type Verb string

// The calls a device answers. Their types are in verbs.go.
const (
	VerbInvoke  Verb = "invoke"  // InvokeCall → InvokeReply
	VerbPublish Verb = "publish" // PublishCall → PublishReply
	VerbTopics  Verb = "topics"  // TopicsCall → TopicsReply
	VerbStatus  Verb = "status"  // StatusCall → StatusReply
	VerbState   Verb = "state"   // StateCall → StateReply
	VerbTail    Verb = "tail"    // TailCall → stream of spec.Message
	VerbLogs    Verb = "logs"    // LogsCall → stream of spec.LogLine
)

// ChangedSubject is where the server tells a device to ask for its desired state.
func ChangedSubject(d spec.DeviceID) string { return prefix + string(d) + ".changed" }

// CallSubject is where a device answers calls of the verb.
func CallSubject(d spec.DeviceID, v Verb) string { return prefix + string(d) + ".call." + string(v) }

// EventsSubject is where a device's events enter the stream.
func EventsSubject(d spec.DeviceID) string { return prefix + string(d) + ".events" }

// AliveSubject is where a device says every few seconds that it is there.
func AliveSubject(d spec.DeviceID) string { return prefix + string(d) + ".alive" }

// deviceOf is the device a control subject is about, or "".
func deviceOf(subject string) spec.DeviceID {
	rest, ours := strings.CutPrefix(subject, prefix)
	device, _, cut := strings.Cut(rest, ".")
	if !ours || !cut {
		return ""
	}
	return spec.DeviceID(device)
}

// SampleSubject is where a device tells what its last period was like.
func SampleSubject(d spec.DeviceID) string { return prefix + string(d) + ".sample" }
