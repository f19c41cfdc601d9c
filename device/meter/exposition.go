package meter

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/observe"
	"fescue.dev/fescue/spec"
)

// Expose tells everything in Prometheus' text format.
func (m *Meter) Expose() *observe.Exposition {
	e, r := &observe.Exposition{}, m.read()
	m.exposeMachine(e, r.machine)
	m.exposeApplications(e, r)
	exposeFunctions(e, r)
	m.exposeDenials(e)
	m.exposeTopics(e)
	m.exposeKept(e)
	exposeSessions(e, r)
	if m.Logins != nil {
		logins := m.Logins()
		e.Begin("fescue_credential_connections", "gauge", "Connections of MQTT and NATS clients, by credential.")
		for _, name := range slices.Sorted(maps.Keys(logins)) {
			e.Sample(float64(logins[name]), "credential", string(name))
		}
	}
	return e
}

func (m *Meter) exposeMachine(e *observe.Exposition, d machine) {
	e.Begin("fescue_device_info", "gauge", "The device and the version of its agent.")
	e.Sample(1, "device", string(m.Device), "version", m.Version)
	for _, one := range []struct {
		name, kind, help string
		value            float64
	}{
		{"fescue_device_cpu_seconds_total", "counter", "Time that the device's processors were busy since it was started.", d.cpu.Seconds()},
		{"fescue_device_processors", "gauge", "Processors of the device.", float64(d.processors)},
		{"fescue_device_memory_used_bytes", "gauge", "Memory that is not available to programs.", float64(d.memory)},
		{"fescue_device_memory_bytes", "gauge", "Memory of the device.", float64(d.memoryTotal)},
		{"fescue_device_disk_used_bytes", "gauge", "Used of the file system with the agent's state.", float64(d.disk)},
		{"fescue_device_disk_bytes", "gauge", "Size of the file system with the agent's state.", float64(d.diskTotal)},
		{"fescue_device_boot_time_seconds", "gauge", "When the device was started, in seconds since 1970.", observe.Unix(d.booted)},
		{"process_start_time_seconds", "gauge", "When the agent started, in seconds since 1970.", observe.Unix(m.begun)},
		{"process_resident_memory_bytes", "gauge", "Resident memory of the agent.", float64(d.agent)},
		{"process_open_fds", "gauge", "Open files of the agent.", float64(d.openFiles)},
	} {
		e.Begin(one.name, one.kind, one.help)
		e.Sample(one.value)
	}
}

// agentLabel is the application of what the agent itself and clients from outside do.
const agentLabel = "$agent"

func label(name spec.Name) string {
	if name == "" {
		return agentLabel
	}
	return string(name)
}

func (m *Meter) exposeApplications(e *observe.Exposition, r reading) {
	names := slices.Sorted(maps.Keys(r.exchange))
	for _, one := range []struct {
		name, help string
		value      func(exchange.ApplicationStats) uint64
	}{
		{"fescue_messages_published_total", "Messages that an application published.", func(s exchange.ApplicationStats) uint64 { return s.In }},
		{"fescue_published_bytes_total", "Bytes of their payloads.", func(s exchange.ApplicationStats) uint64 { return s.InBytes }},
		{"fescue_messages_delivered_total", "Messages that were queued for an application.", func(s exchange.ApplicationStats) uint64 { return s.Out }},
		{"fescue_delivered_bytes_total", "Bytes of their payloads.", func(s exchange.ApplicationStats) uint64 { return s.OutBytes }},
		{"fescue_messages_dropped_total", "Messages for an application that were dropped: its queue was full, or they were too large.", func(s exchange.ApplicationStats) uint64 { return s.Dropped }},
		{"fescue_denied_total", "Times that an application was refused a topic.", func(s exchange.ApplicationStats) uint64 { return s.Denied }},
	} {
		e.Begin(one.name, "counter", one.help)
		for _, name := range names {
			e.Sample(float64(one.value(r.exchange[name])), "application", label(name))
		}
	}
	e.Begin("fescue_queue_bytes", "gauge", "Bytes that wait for an application's sessions.")
	for _, name := range names {
		queued := 0
		for _, s := range r.exchange[name].Sessions {
			queued += s.Queued
		}
		e.Sample(float64(queued), "application", label(name))
	}
	states := m.Engine.Status()
	e.Begin("fescue_application_state", "gauge", "1 for the state that each application is in.")
	for _, p := range states {
		e.Sample(1, "application", string(p.Name), "state", string(p.State), "version", string(p.Actual))
	}
	e.Begin("fescue_application_memory_bytes", "gauge", "Memory of an application's processes that is theirs alone.")
	for _, name := range r.applications {
		e.Sample(float64(r.usage[name].Memory), "application", string(name))
	}
	e.Begin("fescue_application_cpu_seconds_total", "counter", "Processor time of an application's processes.")
	for _, name := range r.applications {
		e.Sample(r.usage[name].CPU.Seconds(), "application", string(name))
	}
	e.Begin("fescue_application_processes", "gauge", "Processes of an application, the helpers that hold them included.")
	for _, name := range r.applications {
		e.Sample(float64(r.usage[name].Processes), "application", string(name))
	}
	e.Begin("fescue_restarts_total", "counter", "Programs and workers of an application that ended and were started again.")
	for _, name := range r.applications {
		e.Sample(float64(r.activity[name].Restarts), "application", string(name))
	}
}

func exposeFunctions(e *observe.Exposition, r reading) {
	functions := slices.DeleteFunc(slices.Clone(r.applications), func(name spec.Name) bool { return !r.activity[name].Function })
	each := func(name, kind, help string, value func(observe.Activity) float64) {
		e.Begin(name, kind, help)
		for _, f := range functions {
			e.Sample(value(r.activity[f]), "application", string(f))
		}
	}
	each("fescue_invocations_total", "counter", "Calls that a worker was given.", func(a observe.Activity) float64 { return float64(a.Calls.Count()) })
	each("fescue_invocation_errors_total", "counter", "Calls that ended with an exception, or with the worker.", func(a observe.Activity) float64 { return float64(a.Errors) })
	each("fescue_invocation_timeouts_total", "counter", "Calls that were not answered in time.", func(a observe.Activity) float64 { return float64(a.Timeouts) })
	each("fescue_invocations_refused_total", "counter", "Calls that found the function's queue full.", func(a observe.Activity) float64 { return float64(a.Refused) })
	each("fescue_workers", "gauge", "Workers of a function.", func(a observe.Activity) float64 { return float64(a.Workers) })
	each("fescue_invocations_running", "gauge", "Calls under way.", func(a observe.Activity) float64 { return float64(a.Busy) })
	each("fescue_invocations_waiting", "gauge", "Calls that wait for a worker.", func(a observe.Activity) float64 { return float64(a.Waiting) })
	e.Begin("fescue_invocation_duration_seconds", "histogram", "How long handlers took.")
	for _, f := range functions {
		e.Histogram(r.activity[f].Calls, "application", string(f))
	}
}

func (m *Meter) exposeDenials(e *observe.Exposition) {
	counts := map[spec.Name]uint64{}
	for _, d := range m.Exchange.Denials() {
		if d.Credential {
			counts[d.Application] += d.Count
		}
	}
	e.Begin("fescue_credential_denied", "gauge", "Times that clients with a credential were refused a topic lately.")
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		e.Sample(float64(counts[name]), "credential", string(name))
	}
}

func (m *Meter) exposeKept(e *observe.Exposition) {
	kept := m.Exchange.Kept()
	each := func(name, kind, help string, value func(exchange.KeptStat) float64) {
		e.Begin(name, kind, help)
		for _, k := range kept {
			e.Sample(value(k), "application", string(k.Application), "topic", string(k.Topic))
		}
	}
	each("fescue_kept_messages", "gauge", "Messages of a kept topic that are there.", func(k exchange.KeptStat) float64 { return float64(k.Messages) })
	each("fescue_kept_bytes", "gauge", "Bytes on disk of a kept topic.", func(k exchange.KeptStat) float64 { return float64(k.Bytes) })
	each("fescue_kept_unacknowledged", "gauge", "Messages that the consumer who is behind the most has not acknowledged.", func(k exchange.KeptStat) float64 { return float64(k.Unacknowleged) })
	each("fescue_kept_dropped_total", "counter", "Messages that were dropped before all had acknowledged them.", func(k exchange.KeptStat) float64 { return float64(k.Dropped) })
	each("fescue_kept_failed_total", "counter", "Messages that the disk did not take.", func(k exchange.KeptStat) float64 { return float64(k.Failed) })
	each("fescue_kept_redelivered_total", "counter", "Deliveries that were not the first of their message.", func(k exchange.KeptStat) float64 { return float64(k.Redelivered) })
	each("fescue_kept_dead_letters_total", "counter", "Messages that had their attempts, or were rejected.", func(k exchange.KeptStat) float64 { return float64(k.DeadLetters) })
	each("fescue_kept_oldest_seconds", "gauge", "Age of the oldest message that is there.", func(k exchange.KeptStat) float64 {
		if k.Oldest.IsZero() {
			return 0
		}
		return max(time.Since(k.Oldest).Seconds(), 0)
	})
}

func exposeSessions(e *observe.Exposition, r reading) {
	links := map[string]int{}
	for _, s := range r.exchange {
		for _, one := range s.Sessions {
			links[one.Link]++
		}
	}
	e.Begin("fescue_sessions", "gauge", "Sessions of Data Xchange, by link.")
	for _, link := range slices.Sorted(maps.Keys(links)) {
		e.Sample(float64(links[link]), "link", link)
	}
}

// topicSeries are the topics that have series of their own: the first that came. What all
// others have together is one series, so that topics that clients make up do not fill
// the memory of whoever collects them.
type topicSeries map[spec.Topic]topicCount

type topicCount struct{ messages, bytes uint64 }

const (
	topicsShown = 200
	otherTopics = "$other" // no topic of an application begins with '$'
)

// exposeTopics keeps what a topic had last: Data Xchange forgets topics nobody uses.
func (m *Meter) exposeTopics(e *observe.Exposition) {
	topics := m.Exchange.Topics()
	slices.SortStableFunc(topics, func(a, b exchange.TopicStat) int { return cmp.Compare(b.Messages, a.Messages) })
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.topics == nil {
		m.topics = topicSeries{}
	}
	others := topicCount{}
	for _, t := range topics {
		_, known := m.topics[t.Topic]
		switch {
		case t.Messages == 0:
		case known || len(m.topics) < topicsShown:
			m.topics[t.Topic] = topicCount{t.Messages, t.Bytes}
		default:
			others.messages, others.bytes = others.messages+t.Messages, others.bytes+t.Bytes
		}
	}
	names := slices.Sorted(maps.Keys(m.topics))
	e.Begin("fescue_topic_messages_total", "counter", "Messages that were published on a topic.")
	for _, t := range names {
		e.Sample(float64(m.topics[t].messages), "topic", string(t))
	}
	e.Sample(float64(others.messages), "topic", otherTopics)
	e.Begin("fescue_topic_bytes_total", "counter", "Bytes of their payloads.")
	for _, t := range names {
		e.Sample(float64(m.topics[t].bytes), "topic", string(t))
	}
	e.Sample(float64(others.bytes), "topic", otherTopics)
}
