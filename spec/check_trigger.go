package spec

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What each kind of trigger may say besides its cause.
var triggerKeys = map[string][]string{
	"topic":    {"payload", "reply", "delivery", "retries", "backoff", "deadLetter", "order", "batch"},
	"http":     {"payload", "reply", "auth", "async", "timeout", "body", "maxBody", "origins", "callback"},
	"schedule": {"reply", "zone", "missed"},
	"hook":     {"reply"},
}

// Bounds of a trigger's values.
const (
	maxRetries = 1000
	maxBatch   = 10_000
	maxOrigins = 64
)

// kinds are the causes that stand in the text of a trigger.
func (r *reader) kinds(at string) []string {
	var found []string
	for _, kind := range []string{"topic", "http", "schedule", "hook"} {
		if _, there := r.at[at+"."+kind]; there {
			found = append(found, kind)
		}
	}
	return found
}

func (r *reader) checkTriggers(c *Configuration) {
	r.atMost("triggers", len(c.Triggers), maxTriggers)
	routes := map[Route]int{}
	for i := range c.Triggers {
		t, at := &c.Triggers[i], fmt.Sprintf("triggers[%d]", i)
		kinds := r.kinds(at)
		if len(kinds) != 1 {
			r.faultAt(at, "a trigger has one cause: topic, http, schedule or hook", "Write 'topic: a/b', and each further cause as a trigger of its own.")
			continue
		}
		r.onlyFor(kinds[0], at)
		switch kinds[0] {
		case "topic":
			r.checkTopic(t, at)
		case "http":
			r.checkHTTP(t, at)
			if first, twice := routes[t.HTTP]; twice {
				r.faultAt(at+".http", fmt.Sprintf("triggers[%d] has the same route", first), "")
			}
			routes[t.HTTP] = i
		case "schedule":
			r.checkSchedule(t, at)
		case "hook":
			r.choice(at+".hook", string(t.Hook), string(HookStart), string(HookStop))
		}
	}
	r.checkDeadLetters(c)
}

// checkDeadLetters faults dead letters that come back to the trigger that gave them up
// by way of others.
func (r *reader) checkDeadLetters(c *Configuration) {
	for i := range c.Triggers {
		seen := map[int]bool{}
		for at := i; at >= 0 && !seen[at]; at = next(c.Triggers, at) {
			seen[at] = true
			if back := next(c.Triggers, at); back == i && at != i {
				r.faultAt(fmt.Sprintf("triggers[%d].deadLetter", i),
					fmt.Sprintf("a message that always fails would never end: its dead letter comes back to this trigger by way of triggers[%d]", at), "Use a topic that none of these triggers matches.")
			}
		}
	}
}

// next is the first trigger that would handle a trigger's dead letters; -1 if none.
func next(triggers []Trigger, from int) int {
	dead := triggers[from].DeadLetter
	if dead == "" || dead.Validate() != nil {
		return -1
	}
	return slices.IndexFunc(triggers, func(t Trigger) bool {
		return t.DeadLetter != "" && t.Topic.Validate() == nil && t.Topic.Matches(dead)
	})
}

// onlyFor faults what belongs to another kind of trigger.
func (r *reader) onlyFor(kind, at string) {
	for other, keys := range triggerKeys {
		for _, key := range keys {
			if _, there := r.at[at+"."+key]; there && !slices.Contains(triggerKeys[kind], key) {
				r.faultAt(at+"."+key, fmt.Sprintf("a trigger of the kind %s has no %s", kind, key), "It belongs to "+other+".")
			}
		}
	}
}

func (r *reader) checkTopic(t *Trigger, at string) {
	for field, out := range map[string]Topic{"reply": t.Reply, "deadLetter": t.DeadLetter} {
		// An answer that starts the same function again never ends.
		if out != "" && out.Validate() == nil && t.Topic.Validate() == nil && t.Topic.Matches(out) {
			r.faultAt(at+"."+field, fmt.Sprintf("this topic is matched by the trigger %s itself, so each answer would call the handler again", t.Topic), "Use another topic.")
		}
	}
	r.checkPayload(t, at)
	if t.Payload != "" && t.Batch.Events > 0 {
		r.faultAt(at+".payload", "a batch is a list of events, with the data of each", "Remove 'payload' or 'batch'.")
	}
	r.choice(at+".delivery", string(t.Delivery), string(AtMostOnce), string(AtLeastOnce))
	if t.Delivery != AtLeastOnce {
		for _, key := range []string{"retries", "backoff", "deadLetter"} {
			if _, there := r.at[at+"."+key]; there {
				r.faultAt(at+"."+key, "only an event that is kept can be handled again", "Add 'delivery: at-least-once'.")
			}
		}
	}
	r.between(at+".retries", int64(t.Retries), 0, maxRetries, "0 to 1,000")
	r.between(at+".backoff", int64(t.Backoff), int64(time.Millisecond), int64(time.Hour), "1ms to 1h")
	if _, there := r.at[at+".batch"]; there {
		r.between(at+".batch.wait", int64(t.Batch.Wait), int64(time.Millisecond), int64(time.Hour), "1ms to 1h")
		if t.Batch.Events < 2 || t.Batch.Events > maxBatch {
			r.faultAt(at+".batch", "a batch has 2 to 10,000 events", "Add 'events: 100'.")
		}
	}
	if t.Delivery == AtLeastOnce && !r.given(at+".retries") {
		t.Retries = DefaultRetries
	}
}

func (r *reader) checkPayload(t *Trigger, at string) {
	r.choice(at+".payload", string(t.Payload), string(PayloadJSON), string(PayloadText), string(PayloadBytes))
}

func (r *reader) checkHTTP(t *Trigger, at string) {
	r.checkPayload(t, at)
	if t.Payload != "" && (t.Body == BodyFile || t.Body == BodyStream) {
		r.faultAt(at+".payload", "the body comes as a file", "Remove 'payload' or 'body'.")
	}
	r.choice(at+".auth", string(t.Auth), string(AuthToken), string(AuthPublic))
	r.choice(at+".body", string(t.Body), string(BodyPayload), string(BodyFile), string(BodyStream))
	r.between(at+".timeout", int64(t.Timeout), int64(time.Millisecond), int64(time.Hour), "1ms to 1h")
	if t.Async && t.Timeout != 0 {
		r.faultAt(at+".timeout", "nobody waits for an asynchronous request", "Remove 'timeout' or 'async'; limits.timeout bounds the handler.")
	}
	if t.Async && t.Body == BodyStream {
		r.faultAt(at+".body", "a request that is kept is complete before its handler begins", "Write 'body: file', or remove 'async'.")
	}
	r.checkCallback(t, at)
	if t.Body == BodyFile || t.Body == BodyStream {
		r.between(at+".maxBody", int64(t.MaxBody), 1, 1<<45, "at least 1 byte")
	} else {
		r.between(at+".maxBody", int64(t.MaxBody), 1, int64(MaxPayloadBody), "at most 768KiB: a larger body is streamed with 'body: file'")
	}
	r.atMost(at+".origins", len(t.Origins), maxOrigins)
	for i, o := range t.Origins {
		if o != "*" && !isOrigin(o) {
			r.faultAt(fmt.Sprintf("%s.origins[%d]", at, i), "this is no origin", "Write scheme and host, as in https://app.example.org, or '*'.")
		}
	}
}

func isOrigin(o string) bool {
	scheme, host, ok := strings.Cut(o, "://")
	return ok && scheme != "" && host != "" && len(o) <= 256 && !strings.ContainsAny(host, "/ ?#*@")
}

// checkCallback checks where results may be posted: what a request names is somebody else's word.
func (r *reader) checkCallback(t *Trigger, at string) {
	at += ".callback"
	if _, there := r.at[at]; !there {
		return
	}
	if !t.Async {
		r.faultAt(at, "only an asynchronous request has a result to be told later", "Add 'async: true'.")
	}
	if t.Callback.URL == "" && len(t.Callback.Origins) == 0 {
		r.faultAt(at, "there is nowhere to post results to", "Add 'url: https://…', or 'origins: [https://…]' for those that requests may name.")
	}
	r.atMost(at+".origins", len(t.Callback.Origins), maxOrigins)
	if u, err := url.Parse(t.Callback.URL); t.Callback.URL != "" && (err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || len(t.Callback.URL) > 2048) {
		r.faultAt(at+".url", "this is no URL that can be posted to", "Write https://host/path, without user and password.")
	}
	for i, o := range t.Callback.Origins {
		if !isOrigin(o) || !strings.HasPrefix(o, "http://") && !strings.HasPrefix(o, "https://") {
			r.faultAt(fmt.Sprintf("%s.origins[%d]", at, i), "this is no origin", "Write scheme and host, as in https://ci.example.org; '*' is not allowed here.")
		}
	}
}

func (r *reader) checkSchedule(t *Trigger, at string) {
	r.choice(at+".missed", string(t.Missed), string(MissedSkip), string(MissedOnce))
	if _, every := t.Schedule.Every(); every {
		for _, key := range []string{"zone", "missed"} {
			if _, there := r.at[at+"."+key]; there {
				r.faultAt(at+"."+key, "an interval has no "+key+": it counts from the start of the function", "Use a cron expression, or remove it.")
			}
		}
	}
}

// fillTrigger puts in what the author left out.
func fillTrigger(t *Trigger, l Limits) {
	switch {
	case t.Topic != "":
		setDefault(&t.Delivery, AtMostOnce)
		if t.Delivery == AtLeastOnce {
			setDefault(&t.Backoff, DefaultBackoff)
		}
		if t.Batch.Events > 0 {
			setDefault(&t.Batch.Wait, DefaultBatchWait)
		}
	case t.HTTP != "":
		setDefault(&t.Auth, AuthToken)
		setDefault(&t.Body, BodyPayload)
		if t.MaxBody == 0 {
			t.MaxBody = MaxPayloadBody
			if t.Body == BodyFile || t.Body == BodyStream {
				t.MaxBody = DefaultFileBody
			}
		}
		if !t.Async {
			setDefault(&t.Timeout, l.Timeout)
		}
	case t.Schedule != "":
		if _, every := t.Schedule.Every(); !every {
			setDefault(&t.Zone, "UTC")
			setDefault(&t.Missed, MissedSkip)
		}
	}
}
