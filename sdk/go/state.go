package fescue

import (
	"context"
	"maps"
	"slices"
	"time"

	"fescue.dev/fescue/exchange/wire"
)

// Value is what a key has.
type Value struct {
	Bytes    []byte
	Revision uint64
}

// Get is a key's value; [NotFound] if there is none.
func (c *Client) Get(ctx context.Context, key string) (Value, error) {
	if err := checkTopic(key); err != nil {
		return Value{}, err
	}
	id := c.nextRequest()
	a, err := c.ask(ctx, question{wire.Get, id}, func(b []byte) []byte { return wire.AppendPlain(b, wire.Get, id, key) })
	return Value{a.payload, a.revision}, err
}

// Put writes a key, for good or for a time to live of whole seconds, and returns its revision once it is on
// disk.
func (c *Client) Put(ctx context.Context, key string, value []byte, ttl time.Duration) (uint64, error) {
	return c.put(ctx, wire.PutBody{Key: []byte(key), Value: value, TTL: seconds(ttl)})
}

// PutIf writes a key that has this revision (0: one that is not there); [Conflict] if it
// has another.
func (c *Client) PutIf(ctx context.Context, key string, value []byte, ttl time.Duration, revision uint64) (uint64, error) {
	return c.put(ctx, wire.PutBody{Condition: wire.IfRevision, Revision: revision, Key: []byte(key), Value: value, TTL: seconds(ttl)})
}

func seconds(ttl time.Duration) uint32 { return uint32((ttl + time.Second - 1) / time.Second) }

func (c *Client) put(ctx context.Context, p wire.PutBody) (uint64, error) {
	if err := c.checkMessage(string(p.Key), 18+len(p.Value)); err != nil {
		return 0, err
	}
	id := c.nextRequest()
	a, err := c.ask(ctx, question{wire.Put, id}, func(b []byte) []byte { return wire.AppendPut(b, id, p) })
	return a.revision, err
}

// Delete removes a key, if it is there.
func (c *Client) Delete(ctx context.Context, key string) error {
	return c.remove(ctx, key, wire.Always, 0)
}

// DeleteIf removes a key that has this revision.
func (c *Client) DeleteIf(ctx context.Context, key string, revision uint64) error {
	return c.remove(ctx, key, wire.IfRevision, revision)
}

func (c *Client) remove(ctx context.Context, key string, condition wire.Condition, revision uint64) error {
	if err := checkTopic(key); err != nil {
		return err
	}
	id := c.nextRequest()
	_, err := c.ask(ctx, question{wire.Delete, id}, func(b []byte) []byte { return wire.AppendDelete(b, id, condition, revision, key) })
	return err
}

// ChangeKind says what became of a key.
type ChangeKind uint8

// The kinds.
const (
	KeyPut       = ChangeKind(wire.KeyPut)
	KeyDeleted   = ChangeKind(wire.KeyDeleted)
	KeyExpired   = ChangeKind(wire.KeyExpired)
	EndOfPresent = ChangeKind(wire.EndOfPresent) // all keys that were there have come
)

// Change is one of a key, for who watches it.
type Change struct {
	Kind     ChangeKind
	Key      string
	Value    []byte
	Revision uint64
	Time     time.Time
}

// Watcher gives the changes of keys: first the present ones and [EndOfPresent]. After a lost
// link the present ones come again, then, as deleted, those that were there before and are not, and
// EndOfPresent.
type Watcher struct {
	*queue[Change]

	c      *Client
	id     uint32
	filter string

	// Of the goroutine that reads.
	known   map[string]bool // keys that were told and are there
	missing map[string]bool // of these, those that this link has not told yet; nil: it has told all
}

// Watch watches the keys that match a filter.
func (c *Client) Watch(ctx context.Context, filter string) (*Watcher, error) {
	w := &Watcher{c: c, filter: filter, queue: newQueue[Change](0), known: map[string]bool{}}
	_, err := c.make(ctx, wire.Watch, filter, w)
	return w, err
}

// Close ends it.
func (w *Watcher) Close() error { return w.c.shut(wire.Watch, w.id, w) }

func (w *Watcher) setID(id uint32) { w.id = id }

func (w *Watcher) appendTo(b []byte, again bool) []byte {
	if again {
		w.missing = maps.Clone(w.known)
	}
	return wire.AppendWatch(b, w.id, wire.WithPresent, w.filter)
}

func (w *Watcher) take(f wire.Frame, _ uint32) {
	b, _ := f.Change()
	c := Change{ChangeKind(b.Kind), string(b.Key), clone(b.Value), b.Revision, time.UnixMilli(int64(b.Time))}
	delete(w.missing, c.Key)
	switch c.Kind {
	case KeyPut:
		w.known[c.Key] = true
	case EndOfPresent:
		w.vanished(c)
	default:
		delete(w.known, c.Key)
	}
	w.push(c)
}

// vanished tells of the keys that went while there was no link; end says when they were gone.
func (w *Watcher) vanished(end Change) {
	for _, key := range slices.Sorted(maps.Keys(w.missing)) {
		delete(w.known, key)
		w.push(Change{Kind: KeyDeleted, Key: key, Revision: end.Revision, Time: end.Time})
	}
	w.missing = nil
}

// Keys are the present keys that match a filter.
func (c *Client) Keys(ctx context.Context, filter string) ([]string, error) {
	if err := checkTopic(filter); err != nil {
		return nil, err
	}
	c.mu.Lock()
	id, err := c.freeID()
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var keys []string
	end := make(chan struct{}, 1)
	c.listen(id, func(f wire.Frame) {
		if b, _ := f.Change(); b.Kind == wire.EndOfPresent {
			end <- struct{}{}
		} else {
			keys = append(keys, string(b.Key))
		}
	})
	defer c.listen(id, nil)
	c.mu.Lock()
	changed := c.changed
	c.mu.Unlock()
	flags := wire.WithPresent | wire.OnlyPresent | wire.KeysOnly
	if _, err := c.ask(ctx, question{wire.Watch, id}, func(b []byte) []byte { return wire.AppendWatch(b, id, flags, filter) }); err != nil {
		return nil, err
	}
	select {
	case <-end:
		return keys, nil
	case <-changed:
		return nil, failed(ConnectionLost, "", "the link was lost before all keys came")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
