package spec

import "time"

// HealthCheck is how an application is asked from time to time whether it is well. The zero value is: not at all.
type HealthCheck struct {
	Command  string   `yaml:"command,omitempty" json:"command,omitempty" doc:"A command for /bin/sh -c, in the code directory; well is who exits with 0. A function without it is called with an event of type fescue.health."`
	Interval Duration `yaml:"interval" json:"interval" doc:"From one check to the next."`
	Timeout  Duration `yaml:"timeout,omitempty" json:"timeout" doc:"Of one check; later is unwell. Default 5s."`
	Failures int      `yaml:"failures,omitempty" json:"failures" doc:"So many in a row, and it is started again. Default 3."`
}

// Defaults of a health check.
const (
	DefaultHealthTimeout  = Duration(5 * time.Second)
	DefaultHealthFailures = 3
)

// checkHealth checks the health check, if there is one, and puts in what the author left out.
func (r *reader) checkHealth(c *Configuration) {
	h, at := &c.Health, "health"
	if _, there := r.at[at]; !there {
		return
	}
	if !r.given(at + ".interval") {
		r.faultAt(at, "a health check has an interval", "For example: health: {command: ./check, interval: 30s}.")
	}
	if h.Command == "" && !c.IsFunction() {
		r.faultAt(at, "a service has a command that tells whether it is well", "Add health.command.")
	}
	r.between(at+".interval", int64(h.Interval), int64(100*time.Millisecond), int64(1000*time.Hour), "100ms to 1000h")
	r.between(at+".timeout", int64(h.Timeout), int64(time.Millisecond), int64(time.Hour), "1ms to 1h")
	r.between(at+".failures", int64(h.Failures), 1, 1000, "1 to 1000")
	setDefault(&h.Timeout, DefaultHealthTimeout)
	setDefault(&h.Failures, DefaultHealthFailures)
}
