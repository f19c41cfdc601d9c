package exchange

import (
	"fmt"
	"path/filepath"
	"time"

	"fescue.dev/fescue/exchange/state"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// StateQuota bounds an application's state, in bytes; 16 MiB unless it is called.
func (r *Router) StateQuota(app spec.Name, bytes int64) {
	st := &r.stores
	st.mu.Lock()
	defer st.mu.Unlock()
	st.quotas[app] = bytes
	if s := st.states[app]; s != nil {
		s.SetQuota(bytes)
	}
}

func (st *stores) statePath(app spec.Name) string {
	return filepath.Join(st.dir, "state", string(app)+".log")
}

// state opens an application's store the first time it is asked for.
func (st *stores) state(app spec.Name) (*state.Store, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if s := st.states[app]; s != nil {
		return s, nil
	}
	quota, known := st.quotas[app]
	if !known {
		quota = int64(spec.DefaultState)
	}
	s, err := state.Open(st.statePath(app), state.Options{Quota: quota, Clock: st.router.opt.Clock})
	if err != nil {
		return nil, err
	}
	st.states[app] = s
	return s, nil
}

// faultOf tells what is wrong with a key, or "".
func faultOf(key string) string {
	if len(key) > wire.MaxKey || spec.Topic(key).Validate() != nil || key[0] == '$' {
		return fmt.Sprintf("a key is written as a topic, in at most %d bytes, and does not begin with '$'", wire.MaxKey)
	}
	return ""
}

// CheckKey is fail.Invalid for what cannot be a key of an application's state.
func CheckKey(key string) error {
	if why := faultOf(key); why != "" {
		return fail.New(fail.Invalid, "name key", "%s", why).On(key).WithHint("Write it like counter or rooms/kitchen.")
	}
	return nil
}

// State is an application's state, for somebody at the API; fail.Unsupported without
// [Router.OpenStores]. The file is made if there is none: ask for applications that are there.
func (r *Router) State(app spec.Name) (*state.Store, error) {
	if !r.stores.open() {
		return nil, fail.New(fail.Unsupported, "open state", "this exchange has no directory to keep state in").On(string(app))
	}
	return r.stores.state(app)
}

// keyed checks a frame's key and finds the store, or refuses.
func (s *session) keyed(f wire.Frame, key []byte) (*state.Store, string, error) {
	name := string(key)
	if why := faultOf(name); why != "" {
		return nil, "", s.refuse(wire.InvalidTopic, f, name, why)
	}
	store, err := s.router.stores.state(s.app.name)
	if err != nil {
		return nil, "", s.refuse(wire.Storage, f, name, said(err))
	}
	return store, name, nil
}

func (s *session) handleGet(f wire.Frame) error {
	store, key, err := s.keyed(f, f.Body)
	if store == nil {
		return err
	}
	e, err := store.Get(key)
	if err != nil {
		return s.refuse(codeOf(err), f, key, said(err))
	}
	v := wire.ValueBody{Revision: e.Revision, Time: uint64(e.Time.UnixMilli()), Value: e.Value}
	frame := wire.AppendValue(nil, f.ID, v)
	if !s.accepts(len(frame) - wire.HeaderSize) {
		return s.refuse(wire.TooLarge, f, key, "the value is larger than this client accepts")
	}
	s.answer(frame)
	return nil
}

func (s *session) handlePut(f wire.Frame) error {
	b, err := f.Put()
	if err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	store, key, err := s.keyed(f, b.Key)
	if store == nil {
		return err
	}
	store.Put(key, b.Value, time.Duration(b.TTL)*time.Second, conditionOf(b), s.stored(f, key))
	return nil
}

func (s *session) handleDelete(f wire.Frame) error {
	b, err := f.Put()
	if err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	store, key, err := s.keyed(f, b.Key)
	if store == nil {
		return err
	}
	store.Delete(key, conditionOf(b), s.stored(f, key))
	return nil
}

func conditionOf(b wire.PutBody) state.Condition {
	return state.Condition{If: b.Condition == wire.IfRevision, Revision: b.Revision}
}

// stored answers a write when it is on the disk, or refused.
func (s *session) stored(f wire.Frame, key string) func(uint64, error) {
	id, typ := f.ID, f.Type
	return func(revision uint64, err error) {
		if err != nil {
			s.tellSoon(wire.AppendError(nil, id, codeOf(err), typ, key, said(err)))
			return
		}
		s.tellSoon(wire.AppendStored(nil, id, revision))
	}
}

func (s *session) handleWatch(f wire.Frame) error {
	b, err := f.Watch()
	if err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	filter := string(b.Filter)
	switch {
	case s.watches[f.ID] != nil:
		return s.refuse(wire.IDInUse, f, filter, "there is a watch under this id already")
	case len(s.watches) >= s.router.opt.MaxSubscriptions:
		return s.refuse(wire.Limit, f, filter, fmt.Sprintf("a session may have %d watches", s.router.opt.MaxSubscriptions))
	}
	if err := spec.Filter(filter).Validate(); err != nil {
		return s.refuse(wire.InvalidTopic, f, filter, err.Error())
	}
	store, err := s.router.stores.state(s.app.name)
	if err != nil {
		return s.refuse(wire.Storage, f, filter, said(err))
	}
	w := store.Watch(func(key string) bool { return matches(filter, key) }, state.WatchOptions{
		Present: b.Flags&(wire.WithPresent|wire.OnlyPresent) != 0, OnlyPresent: b.Flags&wire.OnlyPresent != 0, KeysOnly: b.Flags&wire.KeysOnly != 0,
	})
	s.watches[f.ID] = w
	s.push(wire.AppendOK(nil, f.ID, wire.Watch))
	id := f.ID
	go s.tellChanges(id, w)
	return nil
}

// tellChanges sends what a watch hears, as the client reads it.
func (s *session) tellChanges(id uint32, w *state.Watch) {
	defer w.Close()
	s.flush() // the OK
	for {
		c, ok, err := w.Next(s.done)
		if err != nil {
			s.tell(wire.AppendError(nil, id, wire.Storage, wire.Watch, c.Key, err.Error()))
		}
		if !ok || err != nil {
			break
		}
		b := wire.ChangeBody{Kind: wire.ChangeKind(c.Kind), Revision: c.Revision, Time: uint64(c.Time.UnixMilli()), Key: []byte(c.Key), Value: c.Value}
		if !s.tellWithRoom(wire.AppendChange(nil, id, b)) {
			break
		}
	}
	s.mu.Lock()
	if s.watches[id] == w {
		delete(s.watches, id)
	}
	s.mu.Unlock()
}

func (s *session) handleUnwatch(f wire.Frame) error {
	w := s.watches[f.ID]
	if w == nil {
		return s.refuse(wire.UnknownID, f, "", "there is no watch under this id")
	}
	delete(s.watches, f.ID)
	w.Close()
	s.answer(wire.AppendOK(nil, f.ID, wire.Unwatch))
	return nil
}

// endStores is for the end of a session. mu is held.
func (s *session) endStores() {
	for _, w := range s.watches {
		w.Close()
	}
	clear(s.watches)
}
