package agent

import (
	"context"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/state"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
)

const (
	keysListed = 100 // where nothing else is asked for
	mostKeys   = 1000
)

// stateOf lists, reads and changes the state of an application that is here.
func (a *Agent) stateOf(ctx context.Context, c fabric.StateCall) (r fabric.StateReply, err error) {
	if !a.holds(c.Application) {
		return r, a.notHere("read state", c.Application)
	}
	store, err := a.Exchange.State(c.Application)
	if err != nil {
		return r, err
	}
	if c.Operation == fabric.StateList {
		return listed(store, c), nil
	}
	if err := exchange.CheckKey(c.Key); err != nil {
		return r, err
	}
	condition := state.Condition{If: c.Revision != nil}
	if condition.If {
		condition.Revision = *c.Revision
	}
	switch c.Operation {
	case fabric.StateGet:
		e, err := store.Get(c.Key)
		return fabric.StateReply{Revision: e.Revision, Time: e.Time, Value: e.Value}, err
	case fabric.StatePut:
		r.Revision, err = written(ctx, func(done func(uint64, error)) { store.Put(c.Key, c.Value, time.Duration(c.TTL), condition, done) })
	case fabric.StateDelete:
		r.Revision, err = written(ctx, func(done func(uint64, error)) { store.Delete(c.Key, condition, done) })
	default:
		err = fail.New(fail.Invalid, "read state", "this agent knows no operation %q", c.Operation)
	}
	return r, err
}

func listed(store *state.Store, c fabric.StateCall) (r fabric.StateReply) {
	limit := c.Limit
	if limit <= 0 {
		limit = keysListed
	}
	keys, more := store.List(c.Key, c.After, min(limit, mostKeys))
	r.More = more
	r.Used, r.Quota = store.Usage()
	for _, k := range keys {
		r.Keys = append(r.Keys, fabric.StateKey(k))
	}
	return r
}

// written waits until a change is on the disk.
func written(ctx context.Context, change func(done func(uint64, error))) (uint64, error) {
	type result struct {
		revision uint64
		err      error
	}
	told := make(chan result, 1)
	change(func(revision uint64, err error) { told <- result{revision, err} })
	select {
	case r := <-told:
		return r.revision, r.err
	case <-ctx.Done():
		return 0, fail.New(fail.Timeout, "write state", "the disk did not take it in time: %w", context.Cause(ctx))
	}
}
