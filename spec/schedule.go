package spec

import (
	"strings"
	"time"
	_ "time/tzdata" // devices without a zone database know the zones too (0.4 MB)

	"github.com/netresearch/go-cron"

	"fescue.dev/fescue/fail"
)

// Schedule is when a handler is called: a cron expression of five fields (or
// @hourly, @daily, …), or "every 10s".
type Schedule string

// Shortest and longest time between two runs of "every".
const (
	MinEvery = 100 * time.Millisecond
	MaxEvery = 366 * 24 * time.Hour
)

// Every is the interval of "every 10s"; false for a cron expression.
func (s Schedule) Every() (time.Duration, bool) {
	text, ok := strings.CutPrefix(strings.TrimSpace(string(s)), "every ")
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(strings.TrimSpace(text))
	if err != nil {
		return 0, true
	}
	return d, true
}

// Validate tells what is wrong with the schedule.
func (s Schedule) Validate() error {
	if len(s) > 256 {
		return fail.New(fail.Invalid, "", "a schedule has at most 256 bytes")
	}
	if d, every := s.Every(); every {
		if d < MinEvery || d > MaxEvery {
			return fail.New(fail.Invalid, "", "%q is no interval from 100ms to 366 days", string(s)).WithHint("Write every 10s, or every 1h30m.")
		}
		return nil
	}
	times, err := s.Times(time.UTC)
	if err != nil {
		return err
	}
	if times.After(time.Now()).IsZero() {
		return fail.New(fail.Invalid, "", "%q names a day that never comes", string(s))
	}
	return nil
}

// Times are the moments of a cron expression.
type Times struct {
	schedule cron.Schedule
	zone     *time.Location
	hourly   bool // the hour is a wildcard: it runs by the time that passes
}

// Times reads a cron expression; its hours are those of the zone.
func (s Schedule) Times(zone *time.Location) (Times, error) {
	text := strings.TrimSpace(string(s))
	const hint = "Write minute, hour, day of month, month and day of week: '*/5 * * * *' is every five minutes, '30 6 * * 1-5' half past six on working days; or 'every 10s'."
	if strings.Contains(text, "TZ=") || strings.HasPrefix(text, "@every") || strings.HasPrefix(text, "@reboot") {
		return Times{}, fail.New(fail.Invalid, "", "%q is no schedule", cutText(text)).WithHint("Name a time zone with `zone`, an interval with 'every 10s', a start with `hook: start`.")
	}
	schedule, err := cron.ParseStandard(text)
	if err != nil {
		return Times{}, fail.New(fail.Invalid, "", "%q is no schedule: %w", cutText(text), err).WithHint(hint)
	}
	fields := strings.Fields(text)
	hourly := text == "@hourly" || len(fields) == 5 && strings.HasPrefix(fields[1], "*")
	return Times{schedule, zone, hourly}, nil
}

// After is the first moment after the given one; zero if there is none within years. An
// hour that summer time's end brings twice counts once, unless every hour is meant.
func (t Times) After(moment time.Time) time.Time {
	next := t.schedule.Next(moment.In(t.zone))
	for !t.hourly && !next.IsZero() && repeated(next) {
		next = t.schedule.Next(next)
	}
	return next
}

// repeated tells whether the clocks have shown this time before, and were then put back.
func repeated(t time.Time) bool {
	_, now := t.Zone()
	_, before := t.Add(-3 * time.Hour).Zone()
	back := time.Duration(before-now) * time.Second
	if back <= 0 {
		return false
	}
	_, then := t.Add(-back).Zone()
	return then == before
}

// Zone is a time zone by its name in the IANA database.
type Zone string

// Validate tells what is wrong with the zone.
func (z Zone) Validate() error {
	_, err := z.Location()
	return err
}

// Location is the zone; UTC if it is empty.
func (z Zone) Location() (*time.Location, error) {
	if z == "" {
		return time.UTC, nil
	}
	l, err := time.LoadLocation(string(z))
	if err != nil || z == "Local" {
		return nil, fail.New(fail.Invalid, "", "there is no time zone %q", cutText(string(z))).WithHint("Use a name such as Europe/Berlin or UTC.")
	}
	return l, nil
}
