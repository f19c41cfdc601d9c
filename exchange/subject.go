package exchange

import (
	"strings"

	"fescue.dev/fescue/spec"
)

// Topics and NATS subjects. Where a topic can be an MQTT topic of nats-server,
// the subject is the one that nats-server makes of it, so that MQTT clients of
// the embedded server see the topics as they are:
//
//	a/b → a.b    "." → "//"    a leading, trailing or doubled '/' leaves "/" as a level
//
// Two things nats-server cannot carry get an escape that it never makes itself,
// "/" followed by a letter: a space is "/s", and a level that is exactly "*" or
// ">", which would be a wildcard, is "/a" or "/g".

// private are the first levels that never cross to NATS: its own subjects, the
// replies of its clients, and what MQTT leaves to the server ('$').
func private(topic string) bool {
	first, _, _ := strings.Cut(topic, "/")
	return topic == "" || topic[0] == '$' || strings.HasPrefix(first, "_INBOX") || first == "_R_"
}

// subjectOf is the subject for a topic or filter; false if it does not cross.
func subjectOf(topic string) (string, bool) {
	if private(topic) {
		return "", false
	}
	if !strings.ContainsAny(topic, ". +#*>") && !strings.HasPrefix(topic, "/") &&
		!strings.HasSuffix(topic, "/") && !strings.Contains(topic, "//") {
		return strings.ReplaceAll(topic, "/", "."), true
	}
	levels := strings.Split(topic, "/")
	var b strings.Builder
	for i, level := range levels {
		if i > 0 {
			b.WriteByte('.')
		}
		if level == "" {
			b.WriteByte('/')
			continue
		}
		writeLevel(&b, level)
	}
	return b.String(), true
}

func writeLevel(b *strings.Builder, level string) {
	switch level {
	case "+":
		b.WriteByte('*')
		return
	case "#":
		b.WriteByte('>')
		return
	case "*":
		b.WriteString("/a")
		return
	case ">":
		b.WriteString("/g")
		return
	}
	for i := range len(level) {
		switch c := level[i]; c {
		case '.':
			b.WriteString("//")
		case ' ':
			b.WriteString("/s")
		default:
			b.WriteByte(c)
		}
	}
}

// subjectsOf are the subjects to subscribe to for a filter: "a/#" matches "a"
// too, "a.>" does not.
func subjectsOf(filter string) []string {
	subject, ok := subjectOf(filter)
	if !ok {
		return nil
	}
	subjects := []string{subject}
	if parent, found := strings.CutSuffix(filter, "/#"); found {
		if above, ok := subjectOf(parent); ok {
			subjects = append(subjects, above)
		}
	}
	return subjects
}

// topicOf is the inverse of subjectOf; false if the subject is none that has a
// topic.
func topicOf(subject string) (string, bool) {
	topic := strings.ReplaceAll(subject, ".", "/")
	if strings.ContainsRune(subject, '/') {
		levels := strings.Split(subject, ".")
		for i, level := range levels {
			var ok bool
			if levels[i], ok = readLevel(level); !ok {
				return "", false
			}
		}
		topic = strings.Join(levels, "/")
	}
	if private(topic) || spec.Topic(topic).Validate() != nil {
		return "", false
	}
	return topic, true
}

func readLevel(level string) (string, bool) {
	switch level {
	case "/":
		return "", true
	case "/a":
		return "*", true
	case "/g":
		return ">", true
	}
	if !strings.Contains(level, "/") {
		return level, true
	}
	var b strings.Builder
	for i := 0; i < len(level); i++ {
		c := level[i]
		if c == '/' {
			if i++; i == len(level) {
				return "", false
			}
			switch level[i] {
			case '/':
				c = '.'
			case 's':
				c = ' '
			default:
				return "", false
			}
		}
		b.WriteByte(c)
	}
	return b.String(), true
}
