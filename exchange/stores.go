package exchange

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/exchange/disk"
	"fescue.dev/fescue/exchange/kept"
	"fescue.dev/fescue/exchange/state"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// stores are what the router has on disk: kept topics and the state of
// applications. A kept topic is a subscription of a session of the router's own,
// so that messages find it as they find every other subscriber.
type stores struct {
	router *Router

	mu      sync.Mutex
	dir     string
	session *session
	lastID  uint32
	rules   map[ruleKey]*rule
	changed chan struct{} // the rules have
	states  map[spec.Name]*state.Store
	quotas  map[spec.Name]int64
}

type ruleKey struct {
	app    spec.Name
	filter spec.Filter
}

// rule is a topic that an application has kept.
type rule struct {
	App  spec.Name `json:"application"`
	Keep spec.Keep `json:"keep"`
	// Retired: the application's configuration does not name it any more. What
	// was kept stays for the case that an older version comes back.
	Retired bool `json:"retired,omitempty"`

	dir    string
	log    *kept.Log
	sub    *subscription
	failed failures
	taken  atomic.Bool // what MQTT clients publish with QoS comes by the bridge
}

const ruleFile = "rule.json"

func (st *stores) init(r *Router) {
	st.router = r
	st.changed = make(chan struct{}, 1)
	st.rules, st.states, st.quotas = map[ruleKey]*rule{}, map[spec.Name]*state.Store{}, map[spec.Name]int64{}
}

// OpenStores opens what the router keeps in dir, made if it is not there, and goes
// on keeping what it kept before. Without it there is neither state nor
// delivery at least once. Call it once, before clients come.
func (r *Router) OpenStores(dir string) error {
	const op = "open the exchange's stores"
	st := &r.stores
	for _, d := range []string{filepath.Join(dir, "kept"), filepath.Join(dir, "state")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fail.Wrap(err, fail.Internal, op, d)
		}
	}
	s := r.newSession(nil)
	s.kind, s.send = "kept", func() {}
	if err := r.startLocal(s, r.agent); err != nil {
		return err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.dir, st.session = dir, s
	files, err := filepath.Glob(filepath.Join(dir, "kept", "*", "*", ruleFile))
	if err != nil {
		return fail.Wrap(err, fail.Internal, op, dir)
	}
	for _, file := range files {
		if err := st.load(file); err != nil {
			// One that is damaged must not keep the device from working.
			r.opt.Log.Error("a kept topic cannot be opened", "file", file, "error", err)
		}
	}
	return nil
}

func (st *stores) open() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.dir != ""
}

func (st *stores) load(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	ru := &rule{dir: filepath.Dir(file)}
	if err := json.Unmarshal(text, ru); err != nil {
		return err
	}
	if ru.Retired {
		return nil
	}
	return st.start(ru)
}

// start opens a rule's log and makes it hear messages. mu is held.
func (st *stores) start(ru *rule) (err error) {
	if ru.log, err = kept.Open(ru.dir, st.options(ru.Keep)); err != nil {
		return err
	}
	st.lastID++
	ru.sub = &subscription{owner: st.session, id: st.lastID, filter: string(ru.Keep.Topic), rule: ru}
	st.rules[ruleKey{ru.App, ru.Keep.Topic}] = ru
	st.session.mu.Lock()
	st.session.subscribe(ru.sub)
	st.session.mu.Unlock()
	st.tellChanged()
	return nil
}

// tellChanged has the bridge look at the rules.
func (st *stores) tellChanged() {
	select {
	case st.changed <- struct{}{}:
	default:
	}
}

// list are the rules, by application and filter.
func (st *stores) list() []*rule {
	st.mu.Lock()
	defer st.mu.Unlock()
	return slices.SortedFunc(maps.Values(st.rules), func(a, b *rule) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Keep.Topic, b.Keep.Topic))
	})
}

func (st *stores) options(k spec.Keep) kept.Options {
	return kept.Options{
		MaxBytes: int64(k.Size), MaxAge: time.Duration(k.For), Refuse: k.Full == spec.FullRefuse, Log: st.router.opt.Log,
		Clock: st.router.opt.Clock,
	}
}

// keep makes the application's rules those in list.
func (st *stores) keep(app spec.Name, list []spec.Keep) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.dir == "" {
		if len(list) > 0 {
			return fail.New(fail.Unsupported, "keep topics", "this exchange has no directory to keep messages in").On(string(app))
		}
		return nil
	}
	wanted := map[spec.Filter]bool{}
	for _, k := range list {
		if wanted[k.Topic] {
			continue
		}
		wanted[k.Topic] = true
		if err := st.keepOne(app, withKeepDefaults(k)); err != nil {
			return fail.Wrap(err, fail.Internal, "keep topic", string(k.Topic))
		}
	}
	for key, ru := range st.rules {
		if key.app == app && !wanted[key.filter] {
			if err := st.retire(key, ru); err != nil {
				return fail.Wrap(err, fail.Internal, "end keeping topic", string(key.filter))
			}
		}
	}
	return nil
}

func withKeepDefaults(k spec.Keep) spec.Keep {
	or(&k.Size, spec.DefaultKeep)
	or(&k.Full, spec.FullDropOldest)
	return k
}

func (st *stores) keepOne(app spec.Name, k spec.Keep) error {
	if ru := st.rules[ruleKey{app, k.Topic}]; ru != nil {
		if ru.Keep == k {
			return nil
		}
		ru.Keep = k
		ru.log.Change(st.options(k))
		return ru.save()
	}
	digest := sha256.Sum256([]byte(k.Topic))
	ru := &rule{App: app, Keep: k, dir: filepath.Join(st.dir, "kept", string(app), hex.EncodeToString(digest[:8]))}
	if err := os.MkdirAll(ru.dir, 0o700); err != nil {
		return err
	}
	if err := ru.save(); err != nil {
		return err
	}
	return st.start(ru)
}

func (ru *rule) save() error {
	text, err := json.Marshal(ru)
	if err != nil {
		return err
	}
	return disk.Replace(filepath.Join(ru.dir, ruleFile), text)
}

// retire ends a rule; what it has kept stays. mu is held.
func (st *stores) retire(key ruleKey, ru *rule) error {
	ru.Retired = true
	if err := ru.save(); err != nil {
		return err
	}
	st.end(ru)
	delete(st.rules, key)
	return ru.log.Close()
}

// end makes a rule hear nothing more.
func (st *stores) end(ru *rule) {
	st.session.mu.Lock()
	if st.session.subs[ru.sub.id] == ru.sub {
		st.session.unsubscribe(ru.sub)
	}
	st.session.mu.Unlock()
	st.tellChanged()
}

// Forget removes what the router keeps for an application: its kept messages,
// places and state. For when the application and its data are removed.
func (r *Router) Forget(app spec.Name) error {
	st := &r.stores
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.dir == "" || app == "" {
		return nil
	}
	var all error
	for key, ru := range st.rules {
		if key.app == app {
			st.end(ru)
			delete(st.rules, key)
			all = errors.Join(all, ru.log.Close())
		}
	}
	if s := st.states[app]; s != nil {
		delete(st.states, app)
		all = errors.Join(all, s.Close())
	}
	all = errors.Join(all, os.RemoveAll(filepath.Join(st.dir, "kept", string(app))), os.RemoveAll(st.statePath(app)))
	return fail.Wrap(all, fail.Internal, "remove what was kept", string(app))
}

// ruleFor finds the kept topic that covers a filter, the application's own first.
func (st *stores) ruleFor(app spec.Name, filter string) *rule {
	st.mu.Lock()
	defer st.mu.Unlock()
	var best *rule
	for _, ru := range st.rules {
		if covers(string(ru.Keep.Topic), filter) && (best == nil || ru.App == app) {
			best = ru
		}
	}
	return best
}

// leave ends the session of the stores, with the others'.
func (st *stores) leave() {
	st.mu.Lock()
	s := st.session
	st.mu.Unlock()
	if s != nil {
		s.fail(nil)
	}
}

func (st *stores) close() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	var all error
	for _, ru := range st.rules {
		all = errors.Join(all, ru.log.Close())
	}
	for _, s := range st.states {
		all = errors.Join(all, s.Close())
	}
	clear(st.rules)
	clear(st.states)
	return fail.Wrap(all, fail.Internal, "close the exchange's stores", st.dir)
}

// KeptStat is a topic that is kept.
type KeptStat struct {
	Application spec.Name   // whose resources.keep names it
	Topic       spec.Filter // that is kept
	Failed      uint64      // messages that the disk did not take
	Oldest      time.Time   // of its messages; zero without any
	kept.Stats
}

// Kept lists the kept topics with their figures, by application and topic. It reads
// one message of each from the disk.
func (r *Router) Kept() []KeptStat {
	st := &r.stores
	st.mu.Lock()
	list := make([]KeptStat, 0, len(st.rules))
	logs := make(map[ruleKey]*kept.Log, len(st.rules))
	for key, ru := range st.rules {
		ru.failed.mu.Lock()
		list = append(list, KeptStat{Application: key.app, Topic: key.filter, Failed: ru.failed.total})
		ru.failed.mu.Unlock()
		logs[key] = ru.log
	}
	st.mu.Unlock()
	for i := range list {
		log := logs[ruleKey{list[i].Application, list[i].Topic}]
		list[i].Stats, list[i].Oldest = log.Stats(), log.Oldest()
	}
	slices.SortFunc(list, func(a, b KeptStat) int {
		return cmp.Or(cmp.Compare(a.Application, b.Application), cmp.Compare(a.Topic, b.Topic))
	})
	return list
}
