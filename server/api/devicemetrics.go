package api

import (
	"cmp"
	"slices"

	"fescue.dev/fescue/observe"
	"fescue.dev/fescue/server/metrics"
	"fescue.dev/fescue/spec"
)

// tellDevices tells Prometheus what devices told since the server started: the counters begin with
// it, as those of every process do. Each device's own listener tells more.
func (s *Server) tellDevices(e *observe.Exposition) {
	totals := s.Metrics.Totals()
	slices.SortFunc(totals, func(a, b metrics.Total) int { return cmp.Compare(a.Device, b.Device) })
	each := func(name, kind, help string, value func(spec.Sample) float64) {
		e.Begin(name, kind, help)
		for _, t := range totals {
			e.Sample(value(t.Sample), "device", string(t.Device))
		}
	}
	each("fescue_device_cpu_seconds_total", "counter", "Time that a device's processors were busy.", func(x spec.Sample) float64 { return x.CPU })
	each("fescue_device_processors", "gauge", "Processors of a device.", func(x spec.Sample) float64 { return float64(x.Processors) })
	each("fescue_device_memory_used_bytes", "gauge", "Memory that is not available to programs.", func(x spec.Sample) float64 { return float64(x.Memory) })
	each("fescue_device_memory_bytes", "gauge", "Memory of a device.", func(x spec.Sample) float64 { return float64(x.MemoryTotal) })
	each("fescue_device_disk_used_bytes", "gauge", "Used of the file system with the agent's state.", func(x spec.Sample) float64 { return float64(x.Disk) })
	each("fescue_device_disk_bytes", "gauge", "Size of the file system with the agent's state.", func(x spec.Sample) float64 { return float64(x.DiskTotal) })
	each("fescue_device_agent_memory_bytes", "gauge", "Resident memory of a device's agent.", func(x spec.Sample) float64 { return float64(x.Agent) })
	each("fescue_device_boot_time_seconds", "gauge", "When a device was started, in seconds since 1970.", func(x spec.Sample) float64 { return float64(x.Booted) })
	each("fescue_device_messages_total", "counter", "Messages that were published on a device.", func(x spec.Sample) float64 { return float64(x.Messages) })
	each("fescue_device_message_bytes_total", "counter", "Bytes of their payloads.", func(x spec.Sample) float64 { return float64(x.Bytes) })
	tellApplications(e, totals)
}

func tellApplications(e *observe.Exposition, totals []metrics.Total) {
	all := func(visit func(a spec.ApplicationSample, labels ...string)) {
		for _, t := range totals {
			for _, name := range t.Names() {
				visit(t.Applications[name], "application", string(name), "device", string(t.Device))
			}
		}
	}
	each := func(name, kind, help string, value func(spec.ApplicationSample) float64) {
		e.Begin(name, kind, help)
		all(func(a spec.ApplicationSample, labels ...string) { e.Sample(value(a), labels...) })
	}
	each("fescue_messages_published_total", "counter", "Messages that an application published.", func(a spec.ApplicationSample) float64 { return float64(a.In) })
	each("fescue_published_bytes_total", "counter", "Bytes of their payloads.", func(a spec.ApplicationSample) float64 { return float64(a.InBytes) })
	each("fescue_messages_delivered_total", "counter", "Messages that were queued for an application.", func(a spec.ApplicationSample) float64 { return float64(a.Out) })
	each("fescue_delivered_bytes_total", "counter", "Bytes of their payloads.", func(a spec.ApplicationSample) float64 { return float64(a.OutBytes) })
	each("fescue_messages_dropped_total", "counter", "Messages for an application that were dropped.", func(a spec.ApplicationSample) float64 { return float64(a.Dropped) })
	each("fescue_denied_total", "counter", "Times that an application was refused a topic.", func(a spec.ApplicationSample) float64 { return float64(a.Denied) })
	each("fescue_invocations_total", "counter", "Calls that a worker was given.", func(a spec.ApplicationSample) float64 { return float64(a.Calls) })
	each("fescue_invocation_errors_total", "counter", "Calls that ended with an exception, or with the worker.", func(a spec.ApplicationSample) float64 { return float64(a.Errors) })
	each("fescue_invocation_timeouts_total", "counter", "Calls that were not answered in time.", func(a spec.ApplicationSample) float64 { return float64(a.Timeouts) })
	each("fescue_invocations_refused_total", "counter", "Calls that found the function's queue full.", func(a spec.ApplicationSample) float64 { return float64(a.Refused) })
	each("fescue_restarts_total", "counter", "Programs and workers of an application that ended and were started again.", func(a spec.ApplicationSample) float64 { return float64(a.Restarts) })
	each("fescue_application_cpu_seconds_total", "counter", "Processor time of an application's processes.", func(a spec.ApplicationSample) float64 { return a.CPU })
	each("fescue_application_memory_bytes", "gauge", "Memory of an application's processes that is theirs alone.", func(a spec.ApplicationSample) float64 { return float64(a.Memory) })
	each("fescue_workers", "gauge", "Workers of a function.", func(a spec.ApplicationSample) float64 { return float64(a.Workers) })
	e.Begin("fescue_invocation_duration_seconds", "histogram", "How long handlers took.")
	all(func(a spec.ApplicationSample, labels ...string) {
		if a.Calls > 0 {
			e.Histogram(a.Durations(), labels...)
		}
	})
}
