package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/spec"
)

// sneaky wants what it may not, often, and then says so where it may.
const sneaky = `
import fescue, time
client = fescue.connect()
refused = 0
for _ in range(50):
    try:
        client.publish("secret/door", b"open")
    except fescue.PermissionDenied as e:
        refused += 1
for filter in ("secret/door", "secret/#", "#"):
    try:
        client.subscribe(filter)
    except fescue.PermissionDenied as e:
        refused += 1
try:
    client.request("secret/ask", b"?")
except fescue.PermissionDenied as e:
    refused += 1
client.publish("public/refused", str(refused))
print("refused", refused, "times", flush=True)
while True:
    time.sleep(60)
`

const ear = `
import fescue
client = fescue.connect()
messages = client.subscribe("#")
print("listening", flush=True)
for message in messages:
    print("heard", message.topic, message.payload.decode(), flush=True)
`

// wanted is what sneaky is refused, and how often.
var wanted = map[string]uint64{
	"publish secret/door": 50, "subscribe secret/door": 1, "subscribe secret/#": 1, "subscribe #": 1, "publish secret/ask": 1,
}

// What deployed applications want and may not, over each link, reaches nobody, is told to them at
// once, and is counted and shown by application: by the command line, the API, the metrics, the
// device's log and the application's own, where it is a line a second at most.
func TestDenials(t *testing.T) {
	m := newMachine(t)
	deploy := func(name, ipc, grants, code string) {
		m.must("deploy", m.application(map[string]string{
			"fescue.yaml": fmt.Sprintf("name: %s\nversion: 1.0.0\nruntime: python\nipc: %s\ncommands:\n  - run: python3 app.py\nresources: {%s}\n", name, ipc, grants),
			"app.py":      code,
		}))
	}
	logged := func(name, part string) {
		t.Helper()
		m.eventually(name+" has logged "+part, func() error {
			r := m.cli("logs", name, "--tail", "-1")
			return contains(r.stdout+r.stderr, part)
		})
	}
	deploy("ear", "unix", "subscribe: ['#']", ear)
	logged("ear", "listening")
	begun := time.Now()
	links := []string{"unix", "mqueue"}
	for _, link := range links {
		deploy("sneaky-"+link, link, "publish: [public/#]", sneaky)
		logged("sneaky-"+link, "refused 54 times")
	}
	logged("ear", "heard public/refused 54")
	if r := m.cli("logs", "ear", "--tail", "-1"); strings.Contains(r.stdout, "secret") {
		t.Errorf("what is denied was heard:\n%s", r.stdout)
	}
	for _, link := range links {
		t.Run(link, func(t *testing.T) {
			m.t = t
			name := "sneaky-" + link
			m.deniedInList(name)
			m.deniedInLog(name, begun)
			m.deniedInMetrics(name)
		})
	}
	m.t = t
	if denied := m.denied("ear"); len(denied) != 0 {
		t.Errorf("who may what it wants was denied %v", denied)
	}
}

// denied asks the API for what an application was refused, and how often.
func (m *machine) denied(name string) map[string]uint64 {
	m.t.Helper()
	state := func(file string) string {
		return strings.TrimSpace(readFile(m.t, filepath.Join(m.state, "server", file)))
	}
	q, err := http.NewRequest(http.MethodGet, state("url")+"/v1/devices/testdevice/topics", nil)
	if err != nil {
		m.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+state("admin-token"))
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		m.t.Fatal(err)
	}
	defer answer.Body.Close()
	var list struct {
		Denied []struct {
			Who, Kind, Topic string
			Count            uint64
			Last             time.Time
			Credential       bool
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		m.t.Fatal(answer.Status, err)
	}
	found := map[string]uint64{}
	for _, d := range list.Denied {
		if d.Credential || time.Since(d.Last) > time.Hour {
			m.t.Errorf("%+v", d)
		}
		if d.Who == name {
			found[d.Kind+" "+d.Topic] = d.Count
		}
	}
	return found
}

// deniedInList: by the API and by the command line.
func (m *machine) deniedInList(name string) {
	m.t.Helper()
	if found := m.denied(name); fmt.Sprint(found) != fmt.Sprint(wanted) {
		m.t.Errorf("the API tells %v, want %v", found, wanted)
	}
	out := m.must("topics", "--denied")
	for what, count := range wanted {
		row := regexp.MustCompile(fmt.Sprintf(`(?m)^%s +%s +%d `, name, strings.ReplaceAll(regexp.QuoteMeta(what), " ", " +"), count))
		if !row.MatchString(out) {
			m.t.Errorf("no row for %s %s %d in\n%s", name, what, count, out)
		}
	}
}

var deniedLine = regexp.MustCompile(`denied: publish secret/door(?: \((\d+) times\))?$`)

// deniedInLog: all are told in the application's log, in a line a second at most, and by the
// device's own log.
func (m *machine) deniedInLog(name string, begun time.Time) {
	m.t.Helper()
	m.eventually("the log accounts for all denials", func() error {
		var lines []spec.LogLine
		total, n := 0, 0
		for line := range strings.SplitSeq(strings.TrimSpace(m.must("logs", name, "--tail", "-1", "-o", "json")), "\n") {
			var l spec.LogLine
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				m.t.Fatalf("%v in %s", err, line)
			}
			if found := deniedLine.FindStringSubmatch(l.Text); found != nil {
				times, err := strconv.Atoi(found[1])
				if err != nil {
					times = 1
				}
				total, n, lines = total+times, n+1, append(lines, l)
			}
		}
		if most := 1 + int(time.Since(begun)/time.Second); n > most {
			m.t.Fatalf("%d lines in %d seconds: %+v", n, most, lines)
		}
		if total != 50 {
			return fmt.Errorf("they tell of %d denials: %+v", total, lines)
		}
		return nil
	})
	m.eventually("the device's log tells it", func() error {
		for line := range strings.SplitSeq(m.log.String(), "\n") {
			if strings.Contains(line, "denied") && strings.Contains(line, "application="+name) && strings.Contains(line, "topic=secret/door") {
				return nil
			}
		}
		return os.ErrNotExist
	})
}

// deniedInMetrics: the server has the count by application, as a figure and as history.
func (m *machine) deniedInMetrics(name string) {
	m.t.Helper()
	m.eventually("the history of the application tells of it", func() error {
		var h struct {
			Points []struct{ Denied float64 }
		}
		m.record(&h, "metrics", name, "--step", "10s")
		total := 0.0
		for _, p := range h.Points {
			total += p.Denied * 10
		}
		if total < 53.5 || total > 54.5 {
			return fmt.Errorf("%v denials: %+v", total, h.Points)
		}
		return nil
	})
}
