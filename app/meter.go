package app

import (
	"context"

	"fescue.dev/fescue/device/access"
	"fescue.dev/fescue/device/meter"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/spec"
)

// openMeter makes what measures the device, and its listener where one was asked for.
func (d *device) openMeter(ctx context.Context, f *fabric.Server, logins *access.Access) (err error) {
	log := d.o.Log.With("part", "meter")
	d.meter = meter.New(meter.Options{
		Device: d.id, Version: d.o.Version, Dir: d.dir, Exchange: d.router, Engine: d.engine, Usage: d.sandbox.Usage, Log: log,
		Logins: func() map[spec.Name]int {
			connections := map[spec.Name]int{}
			for _, name := range logins.Names() {
				connections[name] = f.Connections(string(name))
			}
			return connections
		},
		Send: func(s spec.Sample) error { return fabric.SendSample(d.control, d.id, s) },
	})
	if d.o.Metrics == "" {
		return nil
	}
	if d.figures, err = meter.Listen(ctx, d.o.Metrics, d.meter); err == nil {
		log.Info("figures for Prometheus", "url", "http://"+d.figures.Address()+"/metrics")
	}
	return err
}
