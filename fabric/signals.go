package fabric

import (
	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Signals are empty messages that may be lost or doubled without harm.

// Hint tells a device to ask for its desired state.
func Hint(nc *nats.Conn, device spec.DeviceID) error {
	return signal(nc, "hint", ChangedSubject(device), device)
}

// OnHint calls f for every hint to the device, until stop.
func OnHint(nc *nats.Conn, device spec.DeviceID, f func()) (stop func(), err error) {
	return onSignal(nc, "listen for hints", ChangedSubject(device), func(spec.DeviceID) { f() })
}

// Alive says that the device's agent is there.
func Alive(nc *nats.Conn, device spec.DeviceID) error {
	return signal(nc, "say alive", AliveSubject(device), device)
}

// OnAlive calls f with each device that says it is there, until stop. f must not
// block for long.
func OnAlive(nc *nats.Conn, f func(spec.DeviceID)) (stop func(), err error) {
	return onSignal(nc, "listen for devices", AliveSubject(anyDevice), f)
}

func signal(nc *nats.Conn, op, subject string, device spec.DeviceID) error {
	return fail.Wrap(nc.Publish(subject, nil), fail.Unavailable, op, string(device))
}

func onSignal(nc *nats.Conn, op, subject string, f func(spec.DeviceID)) (func(), error) {
	sub, err := nc.Subscribe(subject, func(m *nats.Msg) { f(deviceOf(m.Subject)) })
	if err == nil {
		err = nc.Flush() // the server knows of it when we return
	}
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, op, subject)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}
