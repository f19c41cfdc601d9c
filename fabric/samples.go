package fabric

import (
	"encoding/json"

	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// SendSample tells the server what a device's last period was like. A sample that is
// lost leaves a gap in what is shown, nothing else.
func SendSample(nc *nats.Conn, device spec.DeviceID, s spec.Sample) error {
	const op = "send sample"
	text, err := json.Marshal(s)
	if err != nil {
		return fail.Wrap(err, fail.Internal, op, string(device))
	}
	if len(text) > maxPayload {
		return fail.New(fail.TooLarge, op, "it takes %d bytes", len(text)).On(string(device))
	}
	return fail.Wrap(nc.Publish(SampleSubject(device), text), fail.Unavailable, op, string(device))
}

// OnSample calls f with each sample, until stop. What cannot be read is passed over.
// f must not block for long.
func OnSample(nc *nats.Conn, f func(spec.DeviceID, spec.Sample)) (stop func(), err error) {
	sub, err := nc.Subscribe(SampleSubject(anyDevice), func(m *nats.Msg) {
		var s spec.Sample
		if json.Unmarshal(m.Data, &s) == nil && s.Period > 0 {
			f(deviceOf(m.Subject), s)
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, "listen for samples", "")
	}
	return func() { _ = sub.Unsubscribe() }, nil
}
