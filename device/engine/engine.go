package engine

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Engine is the deployment engine. Make it with [New]; its methods may be called
// from any goroutine, also before and after [Engine.Run].
type Engine struct {
	Options
	store   *artifact.Store
	board   *board
	reports *reporter

	// material is held for reading by whoever fetches, unpacks or prepares, and
	// for writing while what nobody needs is removed.
	material sync.RWMutex
	keeper   chan struct{} // holds one: there may be something to remove
	fetching locks

	mu      sync.Mutex
	stopBy  time.Time     // when programs that were asked to end are killed; set when Run is to end
	desired *spec.Desired // given and not yet handed out
	given   chan struct{} // holds one
	apps    map[spec.Name]*application
}

// New makes an engine and its directories.
func New(o Options) (*Engine, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fail.Wrap(err, fail.Invalid, "make engine", o.Dir)
	}
	if err := makeFolder(filepath.Join(o.Dir, appsFolder), 0o711); err != nil {
		return nil, err
	}
	if err := makeFolder(filepath.Join(o.Dir, fetchFolder), 0o700); err != nil {
		return nil, err
	}
	store, err := artifact.Open(filepath.Join(o.Dir, artifactFolder))
	if err != nil {
		return nil, err
	}
	return &Engine{
		Options: o, store: store, board: newBoard(), reports: newReporter(o.Events, o.Log),
		keeper: make(chan struct{}, 1), given: make(chan struct{}, 1), apps: map[spec.Name]*application{},
	}, nil
}

func makeFolder(path string, mode os.FileMode) error {
	if err := os.MkdirAll(path, mode); err != nil {
		return diskError(err, "make directory", path)
	}
	return diskError(os.Chmod(path, mode), "make directory", path)
}

// Apply makes d what should run. It does not wait until it does; of several, the
// last counts. Applications that are not in d are removed.
func (e *Engine) Apply(d spec.Desired) {
	e.mu.Lock()
	e.desired = &d
	e.mu.Unlock()
	poke(e.given)
}

// poke says that there is something to do, once for any number of times.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run clears up what a killed agent left, starts what was switched to, and then
// follows Apply until ctx ends; then it stops all applications and returns. What should
// run stays so for the next start. An error means that the engine could not begin.
func (e *Engine) Run(ctx context.Context) error {
	if err := e.Sandbox.Sweep(ctx); err != nil {
		e.Log.Warn("clear up after an agent that was killed", "error", err)
	}
	known, err := e.sweep()
	if err != nil {
		return err
	}
	reporting, stopping := context.WithCancel(context.WithoutCancel(ctx))
	defer stopping()
	var work, reported sync.WaitGroup
	stopped := make(chan struct{})
	reported.Go(func() { e.reports.run(reporting, stopped) })
	defer context.AfterFunc(ctx, e.stopping)()
	if stopping, err := e.invocations(ctx); err != nil {
		e.Log.Error("functions cannot call each other", "error", err)
	} else {
		defer stopping()
	}
	for name, r := range known {
		e.launch(ctx, &work, name, r)
	}
	work.Go(func() { e.housekeep(ctx) }) // knows what is needed only now
	work.Go(func() { e.watchDisk(ctx) })
	for ctx.Err() == nil {
		select {
		case <-e.given:
			e.handOut(ctx, &work)
		case <-ctx.Done():
		}
	}
	work.Wait()
	close(stopped)
	late := time.AfterFunc(e.Timing.Report, stopping)
	defer late.Stop()
	reported.Wait()
	return nil
}

// stopping begins the grace of everything that runs.
func (e *Engine) stopping() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopBy = time.Now().Add(e.Timing.Grace)
}

// grace is how long a program may take to end. While the engine ends, all share one
// grace, so that stopping things one after the other takes no longer.
func (e *Engine) grace() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopBy.IsZero() {
		return e.Timing.Grace
	}
	return min(e.Timing.Grace, max(time.Until(e.stopBy), 10*time.Millisecond))
}

// handOut gives each application what is desired of it.
func (e *Engine) handOut(ctx context.Context, work *sync.WaitGroup) {
	e.mu.Lock()
	d := e.desired
	e.desired = nil
	e.mu.Unlock()
	if d == nil {
		return
	}
	wanted := map[spec.Name]bool{}
	for _, desired := range d.Applications {
		one := &desired // a copy: what is kept of one must not keep all of its revision
		if one.State == spec.Removed {
			// Also an application that is not here is launched: it reports that it is gone.
			wanted[one.Name] = true
			e.give(ctx, work, one.Name, nil)
			continue
		}
		if err := check(one); err != nil {
			e.Log.Error("the desired state holds an application that cannot be", "application", one.Name, "error", err)
			wanted[one.Name] = true // nothing is removed for it
			continue
		}
		wanted[one.Name] = true
		e.give(ctx, work, one.Name, one)
	}
	for _, a := range e.all() {
		if !wanted[a.name] {
			a.put(nil)
		}
	}
}

// give hands a desire to the application's goroutine, which is started for a new
// one; nil is that it be removed.
func (e *Engine) give(ctx context.Context, work *sync.WaitGroup, name spec.Name, d *spec.DesiredApplication) {
	if a := e.application(name); a != nil && a.put(d) {
		return
	}
	e.launch(ctx, work, name, record{}).put(d)
}

// launch starts an application's goroutine.
func (e *Engine) launch(ctx context.Context, work *sync.WaitGroup, name spec.Name, r record) *application {
	a := newApplication(e, name, r)
	e.mu.Lock()
	e.apps[name] = a
	e.mu.Unlock()
	work.Go(func() {
		a.run(ctx)
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.apps[name] == a {
			delete(e.apps, name)
		}
	})
	return a
}

func (e *Engine) application(name spec.Name) *application {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.apps[name]
}

func (e *Engine) all() []*application {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []*application
	for _, a := range e.apps {
		all = append(all, a)
	}
	return all
}
