package metrics

import (
	"context"
	"maps"
	"slices"
	"time"

	"fescue.dev/fescue/spec"
)

// History is a device's samples of a time, oldest first, one for each step in which there
// was something. device "" is all devices together.
func (c *Collector) History(ctx context.Context, device spec.DeviceID, from, to time.Time, step time.Duration) ([]spec.Sample, error) {
	blocks, err := c.store.Metrics(ctx, device, from, to)
	if err != nil {
		return nil, err
	}
	stored := map[spec.DeviceID][]spec.Sample{}
	for _, b := range blocks {
		stored[b.Device] = append(stored[b.Device], decode(b)...)
	}
	c.mu.Lock()
	for id, d := range c.devices {
		if device == "" || id == device {
			stored[id] = d.recent(stored[id], step)
		}
	}
	c.mu.Unlock()
	var all []spec.Sample
	for _, id := range slices.Sorted(maps.Keys(stored)) {
		one := filled(grouped(within(stored[id], from, to), step))
		if all == nil {
			all = one
			continue
		}
		all = beside(all, one, step)
	}
	return all, nil
}

// recent is what is stored, and what is not yet: the last hour as it came, if it is asked for
// so finely.
func (d *series) recent(stored []spec.Sample, step time.Duration) []spec.Sample {
	all := append(stored, d.minutes...)
	if d.minute.Period > 0 {
		all = append(all, d.minute)
	}
	if step >= Minute || len(d.fine) == 0 {
		return all
	}
	begin := d.fine[0].End - d.fine[0].Period
	all = slices.DeleteFunc(all, func(s spec.Sample) bool { return s.End > begin })
	return append(all, d.fine...)
}

func within(samples []spec.Sample, from, to time.Time) []spec.Sample {
	return slices.DeleteFunc(samples, func(s spec.Sample) bool { return !s.Time().After(from) || s.Time().After(to) })
}

// filled gives applications of which a sample does not tell what the one before told
// of how they stand.
func filled(samples []spec.Sample) []spec.Sample {
	standing := map[spec.Name]spec.ApplicationSample{}
	for i := range samples {
		s := &samples[i]
		for name, before := range standing {
			if _, told := s.Applications[name]; !told {
				s.Applications = with(s.Applications, name, before)
			}
		}
		for name, a := range s.Applications {
			standing[name] = spec.ApplicationSample{Memory: a.Memory, Workers: a.Workers, Waiting: a.Waiting}
		}
	}
	return samples
}

// with is m with one more, leaving m as it is: samples share their maps.
func with(m map[spec.Name]spec.ApplicationSample, name spec.Name, a spec.ApplicationSample) map[spec.Name]spec.ApplicationSample {
	m = maps.Clone(m)
	if m == nil {
		m = map[spec.Name]spec.ApplicationSample{}
	}
	m[name] = a
	return m
}

// beside joins the samples of devices by their steps.
func beside(a, b []spec.Sample, step time.Duration) []spec.Sample {
	bySlot := map[int64]spec.Sample{}
	for _, s := range a {
		bySlot[slot(s, step)] = s
	}
	for _, s := range b {
		if other, there := bySlot[slot(s, step)]; there {
			s = other.Beside(s)
		}
		bySlot[slot(s, step)] = s
	}
	var all []spec.Sample
	for _, at := range slices.Sorted(maps.Keys(bySlot)) {
		all = append(all, bySlot[at])
	}
	return all
}

// Application is [Collector.History] of one application on some devices, all together.
func (c *Collector) Application(ctx context.Context, name spec.Name, devices []spec.DeviceID, from, to time.Time, step time.Duration) ([]spec.Sample, error) {
	var all []spec.Sample
	for _, device := range devices {
		samples, err := c.History(ctx, device, from, to, step)
		if err != nil {
			return nil, err
		}
		samples = slices.DeleteFunc(samples, func(s spec.Sample) bool {
			_, told := s.Applications[name]
			return !told
		})
		if all == nil {
			all = samples
			continue
		}
		all = beside(all, samples, step)
	}
	return all, nil
}
