package exchange

import (
	"strings"

	"fescue.dev/fescue/spec"
)

// Subjects are the NATS subjects that topic filters cover, for permissions of
// clients that connect to NATS and MQTT listeners: the same compiled filters that
// the router's sessions have, in the other's words. Filters of topics that never leave the
// router ('$…') give none.
func Subjects(filters []spec.Filter) []string {
	var all []string
	for _, f := range filters {
		all = append(all, subjectsOf(string(f))...)
	}
	return all
}

// TopicOf is the topic or filter of a NATS subject, for telling people of it; the
// subject itself if it has none.
func TopicOf(subject string) string {
	if topic, ok := topicOf(subject); ok && !strings.ContainsAny(subject, "*>") {
		return topic
	}
	filter := strings.NewReplacer("*", "+", ">", "#", ".", "/").Replace(subject)
	if spec.Filter(filter).Validate() == nil && !private(filter) {
		return filter
	}
	return subject
}

// Denied notes something that a client of NATS or MQTT wanted and may not, to be
// counted and reported as the router's own denials are.
func (r *Router) Denied(d Denial) {
	d.Count = 0
	r.denials.note(d)
}
