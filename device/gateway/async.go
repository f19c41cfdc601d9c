package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Bounds of asynchronous requests.
const (
	mostKept     = 10_000           // requests and results
	mostAtOnce   = 64               // calls under way
	keepResults  = time.Hour        // for who fetches them
	mostAttempts = 8                // of a request whose worker ends each time
	firstPause   = time.Second      // before the next attempt; then it doubles
	longestPause = time.Minute      //
	lookAround   = 10 * time.Second // for results that are too old
)

// async carries out requests for which nobody waits. Each is a file until its
// result is one.
type async struct {
	files     kept
	log       *slog.Logger
	again     chan struct{} // holds one
	callbacks *callbacks

	mu      sync.Mutex
	waiting map[string]*pending
	total   int // requests and results
}

// pending is a request without result.
type pending struct {
	*keptRequest
	running  bool
	attempts int
	notUntil time.Time
}

func openAsync(dir string, key []byte, log *slog.Logger) (*async, error) {
	a := &async{files: kept{dir}, log: log, again: make(chan struct{}, 1), waiting: map[string]*pending{}}
	a.callbacks = &callbacks{files: a.files, log: log, key: key, again: make(chan struct{}, 1), waiting: map[string]*callback{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fail.Wrap(err, fail.Internal, "keep requests", dir)
	}
	requests, callbacks, results, err := a.files.load(log)
	if err != nil {
		return nil, err
	}
	for id, r := range requests {
		a.waiting[id] = &pending{keptRequest: r}
	}
	for id, k := range callbacks {
		a.callbacks.add(id, k)
	}
	a.total = len(requests) + results
	a.wake()
	return a, nil
}

func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return hex.EncodeToString(id[:])
}

func (a *async) wake() { wake(a.again) }

func wake(again chan<- struct{}) {
	select {
	case again <- struct{}{}:
	default:
	}
}

// keep takes a request on disk, and says where its result will be.
func (g *Gateway) keep(w http.ResponseWriter, route *Route, r *Request, callback string) {
	id, err := g.async.add(&keptRequest{
		Application: route.Application, Route: route.Trigger.HTTP, Public: route.Trigger.Auth == spec.AuthPublic, Request: r, Callback: callback,
	})
	if err != nil {
		problemOf(w, err, true)
		return
	}
	w.Header().Set("Location", resultsPath+id)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(map[string]string{"id": id, "result": resultsPath + id}) // the caller may have gone
}

func (a *async) add(r *keptRequest) (id string, err error) {
	id = newID()
	a.mu.Lock()
	full := a.total >= mostKept
	if !full {
		a.total++
	}
	a.mu.Unlock()
	if full {
		return "", fail.New(fail.Exhausted, "keep request", "%d requests and results are kept already", mostKept)
	}
	err = a.files.write(id+requestSuffix, r)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.total--
		return "", err
	}
	a.waiting[id] = &pending{keptRequest: r}
	a.wake()
	return id, nil
}

// run carries out what waits, until ctx ends.
func (a *async) run(ctx context.Context, find func(spec.Name, spec.Route) (*Route, bool)) {
	var work sync.WaitGroup
	defer work.Wait()
	tick := time.NewTicker(lookAround)
	defer tick.Stop()
	for {
		soonest := a.start(ctx, &work, find)
		select {
		case <-a.again:
		case <-time.After(soonest):
		case <-tick.C:
			a.expire()
		case <-ctx.Done():
			return
		}
	}
}

// start starts what can be, and says when there will be more.
func (a *async) start(ctx context.Context, work *sync.WaitGroup, find func(spec.Name, spec.Route) (*Route, bool)) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	running, now, soonest := 0, time.Now(), time.Hour
	for _, p := range a.waiting {
		if p.running {
			running++
		}
	}
	for id, p := range a.waiting {
		if p.running || running >= mostAtOnce {
			continue
		}
		if left := p.notUntil.Sub(now); left > 0 {
			soonest = min(soonest, left)
			continue
		}
		if route, ok := find(p.Application, p.Route); ok {
			p.running = true
			running++
			work.Go(func() { a.carryOut(ctx, id, p, route) })
		}
	}
	return soonest
}

// carryOut calls the function and keeps what it made of it.
func (a *async) carryOut(ctx context.Context, id string, p *pending, route *Route) {
	result, err := route.Call(ctx, p.Request)
	a.mu.Lock()
	p.running = false
	p.attempts++
	kind := fail.KindOf(err)
	if err != nil && ctx.Err() == nil && (kind == fail.Unavailable && p.attempts < mostAttempts || kind == fail.Exhausted) {
		p.notUntil = time.Now().Add(min(firstPause<<min(p.attempts-1, 10), longestPause))
	} else if ctx.Err() == nil {
		delete(a.waiting, id)
	}
	_, waits := a.waiting[id]
	a.mu.Unlock()
	a.wake()
	if waits {
		return // it is tried again, perhaps at the next start
	}
	outcome := keptResult{Public: p.Public, Data: route.Data, Result: result}
	if err != nil {
		outcome.Result, outcome.Failure = nil, err.Error()
	}
	var k *keptCallback
	if p.Callback != "" {
		k = &keptCallback{Application: p.Application, URL: p.Callback, Since: time.Now()}
	}
	if err := a.files.finish(id, outcome, k); err != nil {
		a.log.Error("the result of a request cannot be kept: it will be carried out again", "application", p.Application, "error", err)
	} else if k != nil {
		a.callbacks.add(id, k)
	}
	if p.Request.File != "" {
		_ = os.Remove(p.Request.File) // the application may have moved it
	}
}

// expire removes results that nobody fetched.
func (a *async) expire() {
	removed := a.files.expire(time.Now().Add(-keepResults))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.total -= removed
}
