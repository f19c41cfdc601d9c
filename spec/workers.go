package spec

import "time"

// Workers are the processes that run a function's handler.
type Workers struct {
	Min         Count    `yaml:"min,omitempty" json:"min" doc:"So many are always ready; with 0 none runs until an event comes. Default 1."`
	Max         int      `yaml:"max,omitempty" json:"max" doc:"At most so many. Default: as many as limits.concurrency needs."`
	Concurrency int      `yaml:"concurrency,omitempty" json:"concurrency" doc:"Events at once in one worker; the handler must be able to. Default 1."`
	Idle        Duration `yaml:"idle,omitempty" json:"idle" doc:"A worker above min without an event for so long is ended. Default 5m."`
	Warm        Duration `yaml:"warm,omitempty" json:"warm" doc:"python: for so long after a worker's start an interpreter is kept of which the next is forked; 0s for never. Default 10m."`
	Calls       int      `yaml:"calls,omitempty" json:"calls,omitempty" doc:"A worker is replaced after so many events. No limit if left out."`
	Memory      Bytes    `yaml:"memory,omitempty" json:"memory,omitempty" doc:"A worker that has more memory is replaced when it is between events. No limit if left out."`
}

// Defaults of workers.
const (
	DefaultWorkers                 = 1
	DefaultWorkerConcurrency       = 1
	DefaultIdle                    = Duration(5 * time.Minute)
	DefaultWarm                    = Duration(10 * time.Minute)
	maxWorkers                     = 256
	minWorkerMemory          Bytes = 1 << 20
)

func (r *reader) checkWorkers(c *Configuration) {
	w, at := &c.Workers, "workers"
	if _, there := r.at[at]; there && c.Handler == "" {
		r.faultAt(at, "only a function has workers, and there is no handler", "A service's processes are its commands.")
		return
	}
	if !r.given(at + ".min") {
		w.Min = DefaultWorkers
	}
	r.between(at+".min", int64(w.Min), 0, maxWorkers, "0 to 256")
	r.between(at+".max", int64(w.Max), 1, maxWorkers, "1 to 256")
	r.between(at+".concurrency", int64(w.Concurrency), 1, maxConcurrency, "1 to 256")
	r.between(at+".idle", int64(w.Idle), int64(time.Millisecond), int64(1000*time.Hour), "1ms to 1000h")
	switch python := c.Runtime.Name() == RuntimePython; {
	case python && !r.given(at+".warm"):
		w.Warm = DefaultWarm
	case !python && r.given(at+".warm"):
		r.faultAt(at+".warm", "workers of this runtime are not forked", "Leave it out: it is for python.")
	}
	r.between(at+".warm", int64(w.Warm), 0, int64(1000*time.Hour), "0s to 1000h")
	r.between(at+".calls", int64(w.Calls), 1, 1<<31-1, "at least 1")
	r.between(at+".memory", int64(w.Memory), int64(minWorkerMemory), 1<<50, "at least 1MiB")
	if r.given(at+".max") && r.given(at+".min") && int(w.Min) > w.Max {
		r.faultAt(at+".min", "more workers are kept ready than there may be", "Raise max.")
	}
}

// fillWorkers puts in what the author left out.
func fillWorkers(c *Configuration) {
	w := &c.Workers
	if c.Handler == "" {
		*w = Workers{}
		return
	}
	setDefault(&w.Concurrency, DefaultWorkerConcurrency)
	setDefault(&w.Idle, DefaultIdle)
	setDefault(&w.Max, max((c.Limits.Concurrency+w.Concurrency-1)/w.Concurrency, int(w.Min), 1))
}
