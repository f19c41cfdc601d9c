package api

import (
	"context"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// OnDevice is the choice of a device in a query.
type OnDevice struct {
	Device spec.DeviceID `query:"device" doc:"The device; without it the only one that has the application."`
}

// target is the device that is meant: the one that is named, or the only one that
// has the application.
func (s *Server) target(ctx context.Context, name spec.Name, device spec.DeviceID) (spec.DeviceID, error) {
	const op = "choose device"
	a, err := s.Store.Application(ctx, name)
	if err != nil {
		return "", err
	}
	for _, p := range a.Placements {
		if p.Device == device {
			return device, nil
		}
	}
	switch {
	case device != "":
		return "", fail.New(fail.NotFound, op, "the device %s does not have it", clip(string(device), 64)).On(string(name)).WithHint("It is on %s.", orNobody(a.Placements))
	case len(a.Placements) == 1:
		return a.Placements[0].Device, nil
	case len(a.Placements) == 0:
		return "", fail.New(fail.NotFound, op, "no device has it").On(string(name)).WithHint("Deploy it first: 'fescue deploy %s'.", name)
	}
	return "", fail.New(fail.Invalid, op, "several devices have it: %s", devicesOf(a.Placements)).On(string(name)).WithHint("Name the one that is meant.")
}

func orNobody(placements []spec.Placement) string {
	if len(placements) == 0 {
		return "no device"
	}
	return devicesOf(placements)
}

// parseTimeout reads a duration of a query; "" is otherwise.
func parseTimeout(text string, otherwise, most time.Duration) (time.Duration, error) {
	if text == "" {
		return otherwise, nil
	}
	var d spec.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return 0, invalidField("query.timeout", err)
	}
	if t := time.Duration(d); t > 0 && t <= most {
		return t, nil
	}
	return 0, invalidField("query.timeout", fail.New(fail.Invalid, "", "it is not between 0 and %v", most))
}
