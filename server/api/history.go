package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/metrics"
	"fescue.dev/fescue/spec"
)

// mostPoints bounds the points of one answer.
const mostPoints = 5000

// Span is the time that a history tells of.
type Span struct {
	From time.Time `query:"from" doc:"Begin (RFC 3339); default: an hour before the end."`
	To   time.Time `query:"to" doc:"End (RFC 3339); default: now."`
	Step string    `query:"step" doc:"How far apart points are: 10s, 1m, 15m, 6h. Default: by the length of the time. It is 10 s at least for the last hour, 1 min for the last day, 15 min before." example:"1m"`
}

// History is how something went over a time.
type History[P any] struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Step   float64   `json:"step" doc:"Seconds between points."`
	Points []P       `json:"points" doc:"One for each step in which the device told something, oldest first."`
}

// DevicePoint is a step of a device; rates are per second.
type DevicePoint struct {
	Time        time.Time `json:"time" doc:"End of the step."`
	CPU         float64   `json:"cpu" doc:"Share of all processors that was busy, 0 to 1."`
	Memory      int64     `json:"memory" doc:"Bytes that are not available to programs."`
	MemoryTotal int64     `json:"memoryTotal"`
	Disk        int64     `json:"disk" doc:"Bytes in use of the file system with the agent's state."`
	DiskTotal   int64     `json:"diskTotal"`
	Agent       int64     `json:"agent" doc:"Resident bytes of the agent."`
	Booted      time.Time `json:"booted,omitzero" doc:"When the device was started; missing for several devices."`
	Messages    float64   `json:"messages" doc:"Published on Data Xchange, per second."`
	Bytes       float64   `json:"bytes" doc:"Of their payloads, per second."`
	Calls       float64   `json:"calls" doc:"Of functions, per second."`
	Errors      float64   `json:"errors" doc:"Calls that failed, were late or were refused, per second."`
}

// ApplicationPoint is a step of an application; rates are per second.
type ApplicationPoint struct {
	Time     time.Time `json:"time" doc:"End of the step."`
	In       float64   `json:"in" doc:"Messages that it published, per second."`
	InBytes  float64   `json:"inBytes"`
	Out      float64   `json:"out" doc:"Messages that were queued for it, per second."`
	OutBytes float64   `json:"outBytes"`
	Dropped  float64   `json:"dropped" doc:"Messages for it that were dropped, per second."`
	Denied   float64   `json:"denied" doc:"Times that it was refused a topic, per second."`
	Calls    float64   `json:"calls" doc:"That a worker was given, per second."`
	Errors   float64   `json:"errors" doc:"Calls that ended with an exception, or with the worker, per second."`
	Timeouts float64   `json:"timeouts" doc:"Calls that were not answered in time, per second."`
	Refused  float64   `json:"refused" doc:"Calls that found the queue full, per second."`
	P50      float64   `json:"p50,omitempty" doc:"Seconds that half of the calls did not exceed, estimated; missing without calls."`
	P99      float64   `json:"p99,omitempty" doc:"Seconds that 99 % of the calls did not exceed, estimated."`
	CPU      float64   `json:"cpu" doc:"Processors that were busy with it: 0.5 is half of one."`
	Memory   int64     `json:"memory" doc:"Bytes of its processes that are theirs alone."`
	Workers  int       `json:"workers"`
	Waiting  int       `json:"waiting" doc:"Calls that waited for a worker, on average."`
	Restarts uint64    `json:"restarts" doc:"Programs and workers that were started again, in the step."`
}

func (s *Server) historyRoutes() {
	add(s, forAdmin, huma.Operation{
		OperationID: "get-device-metrics", Method: http.MethodGet, Path: "/v1/devices/{id}/metrics", Tags: []string{"Metrics"},
		Summary: "Tell how a device went over a time",
	}, func(ctx context.Context, in *struct {
		ByDevice
		Span
	}) (*one[History[DevicePoint]], error) {
		if _, err := s.Store.Device(ctx, in.ID); err != nil {
			return nil, err
		}
		return s.deviceHistory(ctx, in.ID, in.Span)
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "get-metrics-history", Method: http.MethodGet, Path: "/v1/metrics", Tags: []string{"Metrics"},
		Summary: "Tell how all devices together went over a time",
	}, func(ctx context.Context, in *struct{ Span }) (*one[History[DevicePoint]], error) {
		return s.deviceHistory(ctx, "", in.Span)
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "get-application-metrics", Method: http.MethodGet, Path: "/v1/applications/{name}/metrics", Tags: []string{"Metrics"},
		Summary: "Tell how an application went over a time, on one device or on all together",
	}, s.applicationHistory)
}

func (s *Server) deviceHistory(ctx context.Context, device spec.DeviceID, span Span) (*one[History[DevicePoint]], error) {
	from, to, step, err := span.bounds()
	if err != nil {
		return nil, err
	}
	samples, err := s.Metrics.History(ctx, device, from, to, step)
	if err != nil {
		return nil, err
	}
	h := History[DevicePoint]{From: from, To: to, Step: step.Seconds(), Points: []DevicePoint{}}
	for _, x := range samples {
		h.Points = append(h.Points, devicePoint(x))
	}
	return &one[History[DevicePoint]]{h}, nil
}

func devicePoint(x spec.Sample) DevicePoint {
	seconds := x.Length().Seconds()
	p := DevicePoint{
		Time: x.Time(), CPU: min(x.CPU/seconds/float64(max(x.Processors, 1)), 1),
		Memory: x.Memory, MemoryTotal: x.MemoryTotal, Disk: x.Disk, DiskTotal: x.DiskTotal, Agent: x.Agent,
		Messages: float64(x.Messages) / seconds, Bytes: float64(x.Bytes) / seconds,
	}
	if x.Booted > 0 {
		p.Booted = time.Unix(x.Booted, 0).UTC()
	}
	for _, a := range x.Applications {
		p.Calls += float64(a.Calls) / seconds
		p.Errors += float64(a.Errors+a.Timeouts+a.Refused) / seconds
	}
	return p
}

func (s *Server) applicationHistory(ctx context.Context, in *struct {
	ByName
	Span
	Device spec.DeviceID `query:"device" doc:"Only on this device; default: on all that have it."`
}) (*one[History[ApplicationPoint]], error) {
	from, to, step, err := in.bounds()
	if err != nil {
		return nil, err
	}
	a, err := s.Store.Application(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	devices := []spec.DeviceID{}
	for _, p := range a.Placements {
		if in.Device == "" || p.Device == in.Device {
			devices = append(devices, p.Device)
		}
	}
	samples, err := s.Metrics.Application(ctx, in.Name, devices, from, to, step)
	if err != nil {
		return nil, err
	}
	h := History[ApplicationPoint]{From: from, To: to, Step: step.Seconds(), Points: []ApplicationPoint{}}
	for _, x := range samples {
		h.Points = append(h.Points, applicationPoint(x, x.Applications[in.Name]))
	}
	return &one[History[ApplicationPoint]]{h}, nil
}

func applicationPoint(x spec.Sample, a spec.ApplicationSample) ApplicationPoint {
	seconds := x.Length().Seconds()
	rate := func(n uint64) float64 { return float64(n) / seconds }
	took := a.Durations()
	return ApplicationPoint{
		Time: x.Time(), In: rate(a.In), InBytes: rate(a.InBytes), Out: rate(a.Out), OutBytes: rate(a.OutBytes),
		Dropped: rate(a.Dropped), Denied: rate(a.Denied),
		Calls: rate(a.Calls), Errors: rate(a.Errors), Timeouts: rate(a.Timeouts), Refused: rate(a.Refused),
		P50: took.Quantile(0.5).Seconds(), P99: took.Quantile(0.99).Seconds(),
		CPU: a.CPU / seconds, Memory: a.Memory, Workers: a.Workers, Waiting: a.Waiting, Restarts: a.Restarts,
	}
}

// bounds completes what was asked for.
func (s Span) bounds() (from, to time.Time, step time.Duration, err error) {
	if to = s.To; to.IsZero() {
		to = time.Now()
	}
	if from = s.From; from.IsZero() {
		from = to.Add(-time.Hour)
	}
	length := to.Sub(from)
	if length <= 0 {
		return from, to, 0, invalidField("query.from", fail.New(fail.Invalid, "", "it is not before the end").WithHint("The end is now unless `to` is given."))
	}
	switch {
	case s.Step != "":
		var d spec.Duration
		if err := d.UnmarshalText([]byte(s.Step)); err != nil {
			return from, to, 0, invalidField("query.step", err)
		}
		step = max(time.Duration(d), metrics.Fine)
	case length <= metrics.FineKept:
		step = metrics.Fine
	case length <= metrics.MinutesKept:
		step = metrics.Minute
	default:
		step = metrics.Quarter
	}
	if length/step > mostPoints {
		return from, to, 0, invalidField("query.step", fail.New(fail.TooLarge, "", "these are %d points; at most %d are given at once", length/step, mostPoints).
			WithHint("Ask for a shorter time, or a longer step."))
	}
	return from.UTC(), to.UTC(), step, nil
}
