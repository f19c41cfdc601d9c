package spec

import (
	"strings"
	"unicode/utf8"

	"fescue.dev/fescue/fail"
)

// Limits of topics, those of the wire protocol (sdk/protocol.md).
const (
	MaxTopicBytes  = 1024
	MaxTopicLevels = 32
)

// ParseTopic checks a topic name: no wildcards, see [Topic.Validate].
func ParseTopic(text string) (Topic, error) { return Topic(text), Topic(text).Validate() }

// ParseFilter checks a topic filter, see [Filter.Validate].
func ParseFilter(text string) (Filter, error) { return Filter(text), Filter(text).Validate() }

// Validate tells what is wrong with the name by MQTT 3.1.1, section 4.7, and
// the limits above. The error is of kind Invalid and does not repeat long topics.
func (t Topic) Validate() error {
	if why := topicFault(string(t)); why != "" {
		return fail.New(fail.Invalid, "", "%s", why)
	}
	if strings.ContainsAny(string(t), "+#") {
		return fail.New(fail.Invalid, "", "a topic name has no wildcards (+ or #)").
			WithHint("Name one topic; filters with wildcards are for subscriptions and permissions.")
	}
	return nil
}

// Validate tells what is wrong with the filter by MQTT 3.1.1, section 4.7.
func (f Filter) Validate() error {
	if why := topicFault(string(f)); why != "" {
		return fail.New(fail.Invalid, "", "%s", why)
	}
	rest, more := string(f), true
	var level string
	for more {
		level, rest, more = strings.Cut(rest, "/")
		switch {
		case level == "#" && more:
			return fail.New(fail.Invalid, "", "# stands only at the end of a filter")
		case len(level) > 1 && strings.ContainsAny(level, "+#"):
			return fail.New(fail.Invalid, "", "a wildcard stands alone in its level, unlike %q", level)
		}
	}
	return nil
}

func topicFault(s string) string {
	switch {
	case s == "":
		return "a topic is not empty"
	case len(s) > MaxTopicBytes:
		return "a topic has at most 1,024 bytes"
	case !utf8.ValidString(s):
		return "a topic is valid UTF-8"
	case strings.Count(s, "/") >= MaxTopicLevels:
		return "a topic has at most 32 levels"
	}
	for _, r := range s {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return "a topic has no control characters"
		}
	}
	return ""
}

// Matches tells whether the filter matches the topic. Both must be valid. It
// does not allocate.
func (f Filter) Matches(t Topic) bool {
	filter, topic := string(f), string(t)
	if hidden(topic) && wild(filter) {
		return false
	}
	for {
		level, filterRest, filterMore := strings.Cut(filter, "/")
		if level == "#" {
			return true
		}
		name, topicRest, topicMore := strings.Cut(topic, "/")
		if level != "+" && level != name {
			return false
		}
		if !topicMore {
			return !filterMore || filterRest == "#" // a/# matches a
		}
		if !filterMore {
			return false
		}
		filter, topic = filterRest, topicRest
	}
}

// hidden: topics that begin with $ are not for wildcards at the first level.
func hidden(topic string) bool { return topic != "" && topic[0] == '$' }

func wild(filter string) bool { return filter != "" && (filter[0] == '+' || filter[0] == '#') }

// Covers tells whether every topic that g matches is matched by f too: whether
// a permission for f is one for g. Both must be valid. It does not allocate.
func (f Filter) Covers(g Filter) bool {
	outer, inner := everything(string(f)), everything(string(g))
	if hidden(inner) && wild(outer) {
		return false
	}
	for {
		o, outerRest, outerMore := strings.Cut(outer, "/")
		if o == "#" {
			return true
		}
		i, innerRest, innerMore := strings.Cut(inner, "/")
		// What g leaves open at a level, f must leave open too.
		if i == "#" || o != "+" && o != i {
			return false
		}
		switch {
		case !innerMore:
			return !outerMore || outerRest == "#"
		case !outerMore:
			return false
		}
		outer, inner = outerRest, innerRest
	}
}

// everything is the filter in the form that compares. "+/#" matches what "#" does,
// because a topic has at least one level; and "/#" what "/+/#" does, because its
// parent would be the empty topic, which there is not.
func everything(filter string) string {
	switch filter {
	case "+/#":
		return "#"
	case "/#":
		return "/+/#"
	}
	return filter
}
