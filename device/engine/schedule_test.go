package engine

import (
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/spec"
)

// hourly is a calendar of each full hour, that has dealt with everything up to 12:30.
func hourly(t *testing.T, once bool) (*calendar, func(hour, minute int) time.Time) {
	t.Helper()
	times, err := spec.Schedule("0 * * * *").Times(time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	at := func(hour, minute int) time.Time { return time.Date(2026, 5, 1, hour, minute, 0, 0, time.UTC) }
	return &calendar{after: times.After, once: once, last: at(12, 30)}, at
}

// wants checks one step: the run that is due, or none and the pause.
func (c *calendar) wants(t *testing.T, now, due time.Time, pause time.Duration) {
	t.Helper()
	gotDue, gotPause := c.step(now)
	if !gotDue.Equal(due) || gotPause != pause {
		t.Errorf("at %v: due %v, pause %v; want %v, %v", now, gotDue, gotPause, due, pause)
	}
}

// Runs come when they are due, once, and a little late is not missed.
func TestCalendar(t *testing.T) {
	c, at := hourly(t, false)
	c.wants(t, at(12, 40), time.Time{}, 20*time.Minute)
	c.wants(t, at(13, 0), at(13, 0), 0)
	c.wants(t, at(13, 0), time.Time{}, time.Hour)
	c.wants(t, at(14, 0).Add(30*time.Second), at(14, 0), 0)
	c.wants(t, at(14, 1), time.Time{}, 59*time.Minute)
}

// After a time off, or a clock set forward, missed runs are skipped, or made up for by one.
func TestCalendarMissed(t *testing.T) {
	c, at := hourly(t, false)
	c.wants(t, at(17, 20), time.Time{}, 0) // five are left out
	c.wants(t, at(17, 20), time.Time{}, 40*time.Minute)
	c, at = hourly(t, true)
	c.wants(t, at(17, 20), at(17, 0), 0) // one for all
	c.wants(t, at(17, 20), time.Time{}, 40*time.Minute)
	c, at = hourly(t, false)
	c.wants(t, at(18, 0), at(18, 0), 0) // the newest is on time
}

// A clock that is put back a little brings no run twice; one that was wrong is followed.
func TestCalendarPutBack(t *testing.T) {
	c, at := hourly(t, false)
	c.wants(t, at(13, 0), at(13, 0), 0)
	c.wants(t, at(12, 55), time.Time{}, 65*time.Minute)
	c.wants(t, at(13, 0), time.Time{}, time.Hour)
	c.wants(t, at(3, 30), time.Time{}, 30*time.Minute)
	c.wants(t, at(4, 0), at(4, 0), 0)
}

// When a schedule last ran is known after a restart of the agent: what was missed is made up for.
func TestScheduleRemembered(t *testing.T) {
	d := newDevice(t)
	const code = "def handle(event, context):\n    print('ran for', event['time'])\n"
	app := d.function(t, 1, "app", "1.0.0", code, "triggers: [{schedule: '0 0 * * *', zone: Europe/Berlin, missed: once}]\n")
	d.apply(app)
	d.succeeds(t, 1)
	path := (&application{dir: d.dir + "/apps/app"}).schedulePath(app.Configuration.Triggers[0])
	eventually(t, "the schedule's beginning is kept", func() bool { return readAll(path) != "" })
	d.stop()
	text, err := time.Now().Add(-72 * time.Hour).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if err := durable.Replace(path, text); err != nil {
		t.Fatal(err)
	}
	again := runDevice(t, d.dir)
	again.apply(app)
	eventually(t, "a run makes up for three days", func() bool { return strings.Contains(again.output(t, "app"), "stdout ran for") })
}
