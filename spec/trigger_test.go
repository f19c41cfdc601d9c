package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const functionHead = "name: f\nversion: 1.0.0\nruntime: python\nhandler: f.handle\n"

// Every kind of trigger, with what Decode fills in.
func TestTriggers(t *testing.T) {
	c, err := Decode("fescue.yaml", []byte(functionHead+`triggers:
  - topic: a/+
    reply: b
    delivery: at-least-once
    retries: 0
    deadLetter: dead
    order: payload.device.id
    batch: {events: 10}
  - topic: c
    delivery: at-least-once
  - http: POST /roots/{id}
  - http: ANY /files/{path...}
    auth: public
    body: file
    origins: ["*", "https://a.example:8443"]
  - http: GET /
    async: true
  - schedule: "*/5 * * * *"
    zone: Europe/Berlin
  - schedule: every 10s
  - hook: stop
workers: {min: 0, concurrency: 4}
limits: {timeout: 3s, concurrency: 10}
resources: {invoke: [other]}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Trigger{
		{Topic: "a/+", Reply: "b", Delivery: AtLeastOnce, Backoff: DefaultBackoff, DeadLetter: "dead", Order: "payload.device.id", Batch: Batch{10, DefaultBatchWait}},
		{Topic: "c", Delivery: AtLeastOnce, Retries: DefaultRetries, Backoff: DefaultBackoff},
		{HTTP: "POST /roots/{id}", Auth: AuthToken, Body: BodyPayload, MaxBody: MaxPayloadBody, Timeout: Duration(3 * time.Second)},
		{HTTP: "ANY /files/{path...}", Auth: AuthPublic, Body: BodyFile, MaxBody: DefaultFileBody, Timeout: Duration(3 * time.Second), Origins: []string{"*", "https://a.example:8443"}},
		{HTTP: "GET /", Auth: AuthToken, Body: BodyPayload, MaxBody: MaxPayloadBody, Async: true},
		{Schedule: "*/5 * * * *", Zone: "Europe/Berlin", Missed: MissedSkip},
		{Schedule: "every 10s"},
		{Hook: HookStop},
	}
	if diff := cmp.Diff(want, c.Triggers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Workers{Min: 0, Max: 3, Concurrency: 4, Idle: DefaultIdle, Warm: DefaultWarm}, c.Workers); diff != "" {
		t.Error(diff)
	}
	g := c.Grants()
	if diff := cmp.Diff([]Filter{"$fescue/invoke/other", "b", "dead"}, g.Publish); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Filter{"a/+", "c"}, g.Subscribe); diff != "" {
		t.Error(diff)
	}
	if got := c.Triggers[3].HTTP.Parameters(); !slices.Equal(got, []string{"path"}) || c.Triggers[3].HTTP.Method() != "" || c.Triggers[2].HTTP.Method() != "POST" {
		t.Errorf("parameters %v", got)
	}
}

// Workers that are asked for are used, unless limits say otherwise.
func TestWorkerDefaults(t *testing.T) {
	for text, want := range map[string][3]int{
		"":                                    {1, 1, 1},
		"limits: {concurrency: 4}\n":          {1, 4, 4},
		"workers: {max: 3, concurrency: 2}\n": {1, 3, 6},
		"workers: {min: 2}\n":                 {2, 2, 1},
		"workers: {min: 0}\nlimits: {concurrency: 2}\n":               {0, 2, 2},
		"workers: {max: 2, concurrency: 2}\nlimits: {concurrency: 3}": {1, 2, 3},
	} {
		c, err := Decode("fescue.yaml", []byte(functionHead+text))
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]int{int(c.Workers.Min), c.Workers.Max, c.Limits.Concurrency}; got != want {
			t.Errorf("%q: min, max, concurrency %v, want %v", text, got, want)
		}
	}
}

// Each fault has its place and words that help.
func TestTriggerFaults(t *testing.T) {
	for _, c := range []struct{ trigger, field, said string }{
		{"{reply: a}", "triggers[0]", "one cause"},
		{"{topic: a, http: GET /}", "triggers[0]", "one cause"},
		{"{topic: a, auth: public}", "triggers[0].auth", "no auth"},
		{"{http: GET /, retries: 3}", "triggers[0].retries", "no retries"},
		{"{topic: a, retries: 3}", "triggers[0].retries", "at-least-once"},
		{"{topic: a, delivery: at-least-once, retries: 1001}", "triggers[0].retries", "0 to 1,000"},
		{"{topic: a, delivery: exactly-once}", "triggers[0].delivery", "none of the values"},
		{"{topic: 'a/#', delivery: at-least-once, deadLetter: a/dead}", "triggers[0].deadLetter", "matched by the trigger"},
		{"{topic: a, delivery: at-least-once, deadLetter: b}\n  - {topic: b, delivery: at-least-once, deadLetter: a}", "triggers[0].deadLetter", "by way of triggers[1]"},
		{"{topic: 'a/#', reply: a/b}", "triggers[0].reply", "matched by the trigger"},
		{"{topic: a, order: sometimes}", "triggers[0].order", "no order"},
		{"{topic: a, batch: {wait: 1s}}", "triggers[0].batch", "2 to 10,000"},
		{"{http: roots}", "triggers[0].http", "no route"},
		{"{http: 'POST /a b'}", "triggers[0].http", "no route"},
		{"{http: 'POST /{a}/{a}'}", "triggers[0].http", "stands twice"},
		{"{http: 'GET /_fescue/x'}", "triggers[0].http", "gateway's own"},
		{"{http: 'GET /../x y'}", "triggers[0].http", "no route"},
		{"{http: GET /, maxBody: 2MiB}", "triggers[0].maxBody", "body: file"},
		{"{http: GET /, async: true, timeout: 3s}", "triggers[0].timeout", "nobody waits"},
		{"{topic: a, payload: jsn}", "triggers[0].payload", "did you mean json"},
		{"{topic: a, payload: text, batch: {events: 2}}", "triggers[0].payload", "batch"},
		{"{http: POST /, payload: text, body: file}", "triggers[0].payload", "file"},
		{"{http: POST /, async: true, body: stream}", "triggers[0].body", "complete before"},
		{"{http: POST /, callback: {url: 'https://a'}}", "triggers[0].callback", "asynchronous"},
		{"{http: POST /, async: true, callback: {url: 'ftp://a'}}", "triggers[0].callback.url", "posted to"},
		{"{http: POST /, async: true, callback: {origins: ['*']}}", "triggers[0].callback.origins[0]", "no origin"},
		{"{http: GET /, origins: ['example.org/']}", "triggers[0].origins[0]", "no origin"},
		{"{schedule: '61 * * * *'}", "triggers[0].schedule", "no schedule"},
		{"{schedule: '0 0 30 2 *'}", "triggers[0].schedule", "never comes"},
		{"{schedule: 'CRON_TZ=UTC * * * * *'}", "triggers[0].schedule", "no schedule"},
		{"{schedule: every 1ms}", "triggers[0].schedule", "interval"},
		{"{schedule: every now and then}", "triggers[0].schedule", "interval"},
		{"{schedule: every 1s, missed: once}", "triggers[0].missed", "interval has no missed"},
		{"{schedule: '* * * * *', zone: Mars/Phobos}", "triggers[0].zone", "no time zone"},
		{"{hook: never}", "triggers[0].hook", "none of the values"},
	} {
		_, err := Decode("fescue.yaml", []byte(functionHead+"triggers:\n  - "+c.trigger+"\n"))
		var faults Faults
		if !errors.As(err, &faults) {
			t.Errorf("%s is taken", c.trigger)
			continue
		}
		i := slices.IndexFunc(faults, func(f Fault) bool { return f.Field == c.field && strings.Contains(f.Message+f.Suggestion, c.said) })
		if i < 0 || faults[i].Line != 6 || faults[i].Column < 5 {
			t.Errorf("%s: %v; want %s: …%s… in line 6", c.trigger, err, c.field, c.said)
		}
	}
	_, err := Decode("fescue.yaml", []byte(functionHead+"triggers:\n  - http: GET /a\n  - http: GET /a\nworkers: {min: 3, max: 2}\n"))
	if err == nil || !strings.Contains(err.Error(), "same route") || !strings.Contains(err.Error(), "kept ready") {
		t.Error(err)
	}
}

// A schedule in a zone with summer time: an hour that is missing is made up for at its end or
// left out, one that comes twice counts once, and time always goes forward.
func TestScheduleSummerTime(t *testing.T) {
	berlin, err := Zone("Europe/Berlin").Location()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		schedule    Schedule
		from, until string
		want        int
	}{
		{"30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", 1}, // 02:30 comes twice
		{"0 12 * * *", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z", 3},
		{"*/15 * * * *", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z", 12}, // 02:00 does not come
	} {
		times, err := c.schedule.Times(berlin)
		if err != nil {
			t.Fatal(err)
		}
		at, until := parseTime(t, c.from), parseTime(t, c.until)
		var found []string
		for {
			next := times.After(at)
			if !next.After(at) {
				t.Fatalf("%s: %v is not after %v", c.schedule, next, at)
			}
			if at = next; at.After(until) {
				break
			}
			found = append(found, fmt.Sprint(next))
		}
		if len(found) != c.want {
			t.Errorf("%s: %d runs, want %d: %v", c.schedule, len(found), c.want, found)
		}
	}
}

func parseTime(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A health check has defaults, and what it lacks is said.
func TestHealth(t *testing.T) {
	c, err := Decode("fescue.yaml", []byte(functionHead+"health: {interval: 30s}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (HealthCheck{Interval: Duration(30 * time.Second), Timeout: DefaultHealthTimeout, Failures: DefaultHealthFailures}); c.Health != want {
		t.Errorf("%+v", c.Health)
	}
	for text, says := range map[string]string{
		functionHead + "health: {command: ./check}\n":                                                 "interval",
		functionHead + "health: {interval: 1ms}\n":                                                    "100ms",
		"name: s\nversion: 1.0.0\nruntime: native\ncommands: [{run: ./s}]\nhealth: {interval: 30s}\n": "command",
		functionHead + "limits: {full: block}\n":                                                      "drop-oldest",
	} {
		if _, err := Decode("fescue.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, which does not say %q", text, err, says)
		}
	}
}
