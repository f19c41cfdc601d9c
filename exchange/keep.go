package exchange

import (
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/exchange/kept"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// keepWaiting is how many bytes may wait for the disk before who publishes on a
// kept topic waits.
const keepWaiting = 4 << 20

// receipt is a client's wait for a message to be on disk wherever it is kept. It
// is answered when all logs have told, and publishing is through.
type receipt struct {
	session *session
	id      uint32
	frame   wire.Type
	message string // its id, for STORE
	told    func(error)
	waiting atomic.Int32
	mu      sync.Mutex
	err     error
}

// publishFor publishes a message whose client waits for the receipt.
func (p *publisher) publishFor(rc *receipt, reg *registration, payload []byte) {
	rc.waiting.Store(1)
	p.receipt = rc
	p.publish(reg, payload)
	p.receipt = nil
	rc.settle(nil)
}

// settle counts one who was waited for.
func (rc *receipt) settle(err error) {
	if err != nil {
		rc.mu.Lock()
		rc.err = err
		rc.mu.Unlock()
	}
	if rc.waiting.Add(-1) > 0 {
		return
	}
	rc.mu.Lock()
	err = rc.err
	rc.mu.Unlock()
	if rc.told != nil {
		rc.told(err)
		return
	}
	frame := wire.AppendOK(nil, rc.id, rc.frame)
	if err != nil {
		frame = wire.AppendError(nil, rc.id, codeOf(err), rc.frame, "", said(err))
	}
	rc.session.tellSoon(frame)
}

// codeOf is the protocol's code for an error of a store.
func codeOf(err error) wire.Code {
	switch fail.KindOf(err) {
	case fail.NotFound:
		return wire.NotFound
	case fail.Conflict:
		return wire.Conflict
	case fail.TooLarge:
		return wire.Quota
	case fail.Exhausted:
		return wire.Storage
	case fail.Unavailable:
		return wire.GoingAway
	default:
		return wire.Storage
	}
}

// said is an error of a store with what to do about it, in one text.
func said(err error) string {
	if hint := fail.HintOf(err); hint != "" && codeOf(err) == wire.Storage {
		return err.Error() + ". " + hint
	}
	return err.Error()
}

// keep gives a message to a log. It waits while the disk is too slow for the
// publisher; others can get at the publisher's session meanwhile.
func (p *publisher) keep(ru *rule, topic string, payload []byte) {
	for {
		room := ru.log.Room(keepWaiting)
		if room == nil {
			break
		}
		p.mu.Unlock()
		p.flush()
		select {
		case <-room:
		case <-p.session.done:
		}
		p.mu.Lock()
		select {
		case <-p.session.done:
			return
		default:
		}
	}
	m := kept.Message{Time: p.session.router.opt.Clock(), Topic: topic, From: p.session.principal(), Payload: payload}
	rc, id := p.receipt, ""
	if rc != nil {
		rc.waiting.Add(1)
		id = rc.message
	}
	ru.log.Append(m, id, func(err error) {
		if err != nil {
			ru.failed.note(p.session.router, ru, err)
		}
		if rc != nil {
			rc.settle(err)
		}
	})
}

// failures counts messages that could not be kept, and logs at most once a second.
type failures struct {
	mu     sync.Mutex
	total  uint64
	unsaid uint64
	said   time.Time
}

func (f *failures) note(r *Router, ru *rule, err error) {
	f.mu.Lock()
	f.total++
	f.unsaid++
	n, due := f.unsaid, time.Since(f.said) >= denialPause
	if due {
		f.unsaid, f.said = 0, time.Now()
	}
	f.mu.Unlock()
	if due {
		r.opt.Log.Error("messages could not be kept", "application", ru.App, "topic", ru.Keep.Topic, "count", n, "error", err)
	}
}

// handleStore publishes a message that must be on disk.
func (s *session) handleStore(f wire.Frame) error {
	b, err := f.Store()
	if err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	reg, code, text := resolve(s, b.Topic)
	if reg == nil {
		return s.refuse(code, f, string(b.Topic), text)
	}
	rc := &receipt{session: s, id: f.ID, frame: wire.Store, message: string(b.MessageID)}
	if !s.pub.store(rc, reg, b.Payload) {
		return s.refuse(wire.NotKept, f, reg.topic, "no application has this topic kept (resources.keep)")
	}
	return nil
}

// store publishes a message if its topic is kept. One that is known by its id is
// not published again, only answered when it is on disk.
func (p *publisher) store(rc *receipt, reg *registration, payload []byte) bool {
	r := p.session.router
	if reg.generation != r.generation.Load() {
		r.route(reg)
	}
	var rules []*rule
	known := false
	for _, sub := range reg.subs {
		if sub.rule != nil {
			rules = append(rules, sub.rule)
			known = known || sub.rule.log.Known(rc.message)
		}
	}
	switch {
	case len(rules) == 0:
		return false
	case !known:
		p.publishFor(rc, reg, payload)
	default:
		rc.waiting.Store(1)
		p.receipt = rc
		for _, ru := range rules {
			p.keep(ru, reg.topic, payload)
		}
		p.receipt = nil
		rc.settle(nil)
	}
	return true
}

// tellSoon pushes a frame and leaves it to the session's writer to send it, with
// what else comes meanwhile.
func (s *session) tellSoon(frame []byte) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing {
		return
	}
	seg := o.begin(len(frame))
	seg.b = append(seg.b, frame...)
	o.bytes += len(frame)
	if !o.writing {
		o.writing, o.dirty = true, false
		s.wake <- struct{}{} // never blocks: who sets writing has the one token
	}
}
