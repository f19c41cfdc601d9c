package engine

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/spec"
)

// hear collects what is published on a filter.
func (d *device) hear(t *testing.T, filter spec.Filter) func() []string {
	t.Helper()
	client, err := d.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	var mu sync.Mutex
	var heard []string
	_, err = client.Subscribe(filter, exchangeOptions, func(m exchange.Message) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, string(m.Payload))
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(heard)
	}
}

// say publishes messages.
func (d *device) say(t *testing.T, topic spec.Topic, payloads ...string) {
	t.Helper()
	client, err := d.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, p := range payloads {
		if err := client.Publish(topic, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
}

// readAll is a file's text, or "".
func readAll(path string) string {
	text, _ := os.ReadFile(path) // it may not be there yet
	return string(text)
}

// flaky fails its first attempts at an event, as many as the event says, in whatever worker.
const flaky = `
import os
def handle(event, context):
    path = os.path.join(os.environ["FESCUE_DATA"], event["id"])
    with open(path, "a") as f:
        f.write("x")
    if os.path.getsize(path) <= event["fails"]:
        if event.get("dies"):
            os._exit(1)
        raise ValueError("not yet")
    return event["id"] + " after " + str(os.path.getsize(path))
`

// An event that fails is handled again until it succeeds, be it by an exception or by a death; one
// that never does goes to the dead letters.
func TestAtLeastOnce(t *testing.T) {
	d := newDevice(t)
	d.apply(d.function(t, 1, "app", "1.0.0", flaky, "triggers: [{topic: in, reply: out, delivery: at-least-once, retries: 3, backoff: 10ms, deadLetter: dead}]\n"))
	d.succeeds(t, 1)
	out, dead := d.hear(t, "out"), d.hear(t, "dead")
	d.say(t, "in", `{"id":"fine","fails":0}`, `{"id":"twice","fails":2}`, `{"id":"dying","fails":1,"dies":true}`, `{"id":"never","fails":99}`)
	eventually(t, "three answers and a dead letter", func() bool { return len(out()) == 3 && len(dead()) == 1 })
	got := out()
	slices.Sort(got)
	if want := []string{"dying after 2", "fine after 1", "twice after 3"}; !slices.Equal(got, want) {
		t.Errorf("answers %v, want %v", got, want)
	}
	if !strings.Contains(dead()[0], "never") {
		t.Errorf("dead letter %s", dead()[0])
	}
	if log := d.output(t, "app"); !strings.Contains(log, "given up after 4 attempts; it goes to dead") {
		t.Errorf("the log does not tell of the dead letter:\n%s", log)
	}
}

// Events that were accepted are handled whatever ends in between: the agent, the version, the function's being stopped.
func TestAtLeastOnceSurvives(t *testing.T) {
	d := newDevice(t)
	const code = "import os, time\ndef handle(event, context):\n    time.sleep(0.02)\n    with open(os.environ['FESCUE_DATA'] + '/seen', 'a') as f:\n        f.write(str(event) + '\\n')\n"
	const triggers = "triggers: [{topic: in, delivery: at-least-once, backoff: 10ms}]\nlimits: {concurrency: 2}\n"
	app := d.function(t, 1, "app", "1.0.0", code, triggers)
	d.apply(app)
	d.succeeds(t, 1)
	number := 0
	batch := func(d *device) {
		for range 40 {
			number++
			d.say(t, "in", fmt.Sprint(number))
		}
	}
	batch(d)
	next := d.function(t, 2, "app", "1.1.0", code+"# other\n", triggers)
	d.apply(next)
	d.succeeds(t, 2)
	batch(d)
	stopped := next
	stopped.State = spec.Stopped
	d.apply(stopped)
	d.state(t, "app", spec.Stopped, 0)
	d.apply(next)
	eventually(t, "it runs again", func() bool { return d.engine.Status()[0].State == spec.Running })
	batch(d)
	d.stop()
	again := runDevice(t, d.dir)
	again.apply(next)
	eventually(t, "all events are handled", func() bool {
		seen := map[string]bool{}
		for _, line := range strings.Fields(readAll(again.dir + "/apps/app/data/seen")) {
			seen[line] = true
		}
		return len(seen) == number
	})
	if len(again.files(t, "exchange/*/app*")) == 0 {
		t.Error("the test looks for what is kept in the wrong place")
	}
	again.apply()
	eventually(t, "nothing is left", func() bool { return len(again.files(t, "apps/*")) == 0 })
	eventually(t, "nothing is kept for it", func() bool { return len(again.files(t, "exchange/*/app*")) == 0 })
}

// Events of one topic, or of one member of the payload, are handled in order, one at a time, also when
// one of them has to be repeated; different ones side by side.
func TestOrder(t *testing.T) {
	d := newDevice(t)
	const code = `
import os, random, time
def handle(event, context):
    mark = os.path.join(os.environ["FESCUE_DATA"], event["device"] + ".busy")
    fd = os.open(mark, os.O_CREAT | os.O_EXCL)
    try:
        time.sleep(random.random() / 50)
        if event["n"] == 3 and not os.path.exists(mark + ".failed"):
            open(mark + ".failed", "w").close()
            raise ValueError("once more")
    finally:
        os.close(fd)
        os.remove(mark)
    context.publish("did/" + event["device"], str(event["n"]))
`
	for i, order := range []string{"topic", "payload.device"} {
		for j, delivery := range []string{"at-least-once", "at-most-once"} {
			t.Run(order+" "+delivery, func(t *testing.T) {
				id := 1 + 2*i + j
				in := fmt.Sprintf("in%d", id)
				d.apply(d.function(t, id, "app", fmt.Sprintf("1.0.%d", id), fmt.Sprintf("# %d\n", id)+code,
					fmt.Sprintf("triggers: [{topic: '%s/#', order: %s, delivery: %s}]\nresources: {publish: ['did/#']}\nlimits: {concurrency: 4}\n", in, order, delivery)))
				d.succeeds(t, id)
				heard := map[string]func() []string{}
				for _, device := range []string{"a", "b", "c"} {
					heard[device] = d.hear(t, spec.Filter("did/"+device))
				}
				want := []string{"1", "2", "3", "4", "5", "6", "7", "8"}
				for _, n := range want {
					for device := range heard {
						topic := in + "/x"
						if order == "topic" {
							topic = in + "/" + device
						}
						d.say(t, spec.Topic(topic), fmt.Sprintf(`{"device":%q,"n":%s}`, device, n))
					}
				}
				for device, got := range heard {
					eventually(t, "all of "+device, func() bool { return len(got()) >= len(want) })
					if !slices.Equal(got(), want) {
						t.Errorf("%s: %v", device, got())
					}
				}
			})
		}
	}
}

// A batch has at most so many events, and waits no longer than it may; a failed one comes again.
func TestBatch(t *testing.T) {
	d := newDevice(t)
	const code = `
import json, os
def handle(events, context):
    mark = os.path.join(os.environ["FESCUE_DATA"], "failed")
    if not os.path.exists(mark):
        open(mark, "w").close()
        raise ValueError("once more")
    assert context.attributes["datacontenttype"] == "application/cloudevents-batch+json"
    return [e.get("data", e.get("data_base64")) for e in events]
`
	d.apply(d.function(t, 1, "app", "1.0.0", code, "triggers: [{topic: 'in/+', reply: out, delivery: at-least-once, backoff: 10ms, batch: {events: 5, wait: 200ms}}]\n"))
	d.succeeds(t, 1)
	out := d.hear(t, "out")
	for n := range 12 {
		d.say(t, "in/x", fmt.Sprint(n))
	}
	d.say(t, "in/y", "no JSON")
	got := map[string]int{}
	eventually(t, "all events in batches", func() bool {
		clear(got)
		for _, text := range out() {
			var batch []any
			if err := json.Unmarshal([]byte(text), &batch); err != nil || len(batch) == 0 || len(batch) > 5 {
				t.Fatalf("a batch of %s: %v", text, err)
			}
			for _, e := range batch {
				got[fmt.Sprint(e)]++
			}
		}
		return len(got) == 13
	})
	for e, times := range got {
		if times != 1 {
			t.Errorf("%s came %d times", e, times)
		}
	}
	if got["bm8gSlNPTg=="] != 1 {
		t.Errorf("what is no JSON: %v", got)
	}
}
