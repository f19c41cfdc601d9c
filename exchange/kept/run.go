package kept

import (
	"container/heap"
	"time"

	"fescue.dev/fescue/fail"
)

// savePause is the least time between two writings of a place. What was
// acknowledged since is delivered again after a crash, and says so.
const savePause = 250 * time.Millisecond

// run delivers until the place is closed.
func (p *Place) run() {
	defer close(p.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		for p.step() {
			select {
			case <-p.stop:
				return
			default:
			}
		}
		timer.Reset(p.pause())
		select {
		case <-p.wake:
		case <-timer.C:
		case <-p.stop:
			return
		}
	}
}

// pause is how long nothing will be due, and saves what is.
func (p *Place) pause() time.Duration {
	p.mu.Lock()
	pause := time.Hour
	if len(p.timers) > 0 {
		pause = time.Until(p.timers[0].at)
	}
	due := time.Duration(0)
	if p.dirty {
		due = savePause - time.Since(p.saved)
		pause = min(pause, due)
	}
	save := p.dirty && due <= 0
	p.mu.Unlock()
	if save {
		p.saveOrTell()
		return time.Millisecond
	}
	return max(pause, time.Millisecond)
}

// saveOrTell is tried again with the next pause; a disk that stays full is told once.
func (p *Place) saveOrTell() {
	err := p.save()
	if err != nil && !p.unsaved {
		p.log.complain("cannot save a place: after a crash messages come again", "place", p.name, "error", err, "hint", fail.HintOf(err))
	}
	p.unsaved = err != nil
}

// step delivers one message; false if there is none, or nobody to take it.
func (p *Place) step() bool {
	p.mu.Lock()
	p.elapse(time.Now())
	if len(p.ready) > 0 && p.lastWords(p.ready[0]) {
		p.mu.Unlock()
		return true
	}
	c := p.choose()
	if c == nil {
		p.mu.Unlock()
		return false
	}
	if len(p.ready) > 0 {
		n := p.ready[0]
		p.ready = p.ready[1:]
		p.mu.Unlock()
		return p.redeliver(c, n)
	}
	m, ok := p.fresh()
	p.mu.Unlock()
	if ok {
		p.deliver(c, m)
	}
	return ok
}

// fresh takes the next message that was never delivered. mu is held, and given up
// while the disk is read.
func (p *Place) fresh() (Message, bool) {
	if len(p.ahead) == 0 {
		at, match := p.cursor, p.opt.Match
		p.mu.Unlock()
		found := p.log.read(&at, match, aheadMessages)
		p.mu.Lock()
		p.dirty = p.dirty || at.next != p.cursor.next
		p.cursor, p.ahead = at, found
	}
	if len(p.ahead) == 0 {
		return Message{}, false
	}
	m := p.ahead[0]
	p.ahead[0] = Message{}
	p.ahead = p.ahead[1:]
	p.open[m.Sequence] = &item{}
	return m, true
}

// elapse looks at what is due: messages to be delivered again, and those for
// which no answer came in time. mu is held.
func (p *Place) elapse(now time.Time) {
	for len(p.timers) > 0 && !p.timers[0].at.After(now) {
		t := heap.Pop(&p.timers).(timer)
		if i := p.open[t.sequence]; i != nil && i.at.Equal(t.at) {
			p.again(t.sequence, i)
		}
	}
}

// choose takes turns among the consumers that have room. mu is held.
func (p *Place) choose() *Consumer {
	for range p.consumers {
		p.turn = (p.turn + 1) % len(p.consumers)
		if c := p.consumers[p.turn]; c.open < c.Window && !c.stuck {
			return c
		}
	}
	return nil
}

// redeliver delivers a message that is open again.
func (p *Place) redeliver(c *Consumer, n uint64) bool {
	m, ok := p.log.at(n)
	if !ok { // the log has dropped it
		p.mu.Lock()
		delete(p.open, n)
		p.dirty = true
		p.mu.Unlock()
		return true
	}
	p.deliver(c, m)
	return true
}

// deliver hands a message to a consumer, or back if that cannot take it.
func (p *Place) deliver(c *Consumer, m Message) {
	p.mu.Lock()
	i := p.open[m.Sequence]
	if i == nil || c.closed {
		if i != nil {
			p.again(m.Sequence, i)
		}
		p.mu.Unlock()
		return
	}
	i.attempt++
	i.consumer = c
	c.open++
	c.stuck = true // until Deliver says otherwise: it may call Ready at once
	p.later(m.Sequence, i, time.Now().Add(c.Patience))
	d := Delivery{Message: m, Attempt: i.attempt, MaybeBefore: i.attempt > 1 || m.Sequence <= p.log.bootSequence()}
	p.dirty = true
	p.mu.Unlock()
	taken := c.Deliver(d)
	p.mu.Lock()
	defer p.mu.Unlock()
	if taken {
		if d.Attempt > 1 {
			p.log.again.Add(1)
		}
		c.stuck = false
		return
	}
	if p.open[m.Sequence] == i && i.consumer == c {
		i.attempt--
		p.again(m.Sequence, i)
	}
}

func (l *Log) bootSequence() uint64 { return l.boot } // never changes

// at reads the message with a number; false if it is not there any more.
func (l *Log) at(n uint64) (Message, bool) {
	c := cursor{next: n}
	found := l.read(&c, func(string) bool { return true }, 1)
	if len(found) == 0 || found[0].Sequence != n {
		return Message{}, false
	}
	return found[0], true
}

// lastWords sends a message that had its attempts, or was rejected, to the dead
// letter topic; false if it may be delivered once more. mu is held.
func (p *Place) lastWords(n uint64) bool {
	i := p.open[n]
	if i != nil && !i.dying && (p.opt.Attempts == 0 || i.attempt < p.opt.Attempts) {
		return false
	}
	p.ready = p.ready[1:]
	if i == nil {
		return true
	}
	i.dying = true
	i.at = time.Time{}
	go p.bury(n, p.opt.Dead)
	return true
}

// burialPause grows from 5 s to 5 minutes: what is in the way is a disk, a full topic,
// or a permission, and the next consumer may bring another dead letter topic.
func burialPause(before int) time.Duration {
	return min(5*time.Second<<min(before, 6), 5*time.Minute)
}

// bury takes a message out once it is where it belongs; if it does not get there
// it is tried again.
func (p *Place) bury(n uint64, dead DeadLetter) {
	over := func(err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		i := p.open[n]
		if i == nil {
			return
		}
		if err != nil {
			p.later(n, i, time.Now().Add(burialPause(i.burials)))
			if i.burials++; i.burials == 1 {
				p.log.complain("a dead letter could not be kept, it is tried again", "place", p.name, "sequence", n, "error", err, "hint", fail.HintOf(err))
			}
		} else {
			delete(p.open, n)
			p.dirty = true
			p.log.dead.Add(1)
		}
		p.kick()
	}
	m, ok := p.log.at(n)
	if !ok || dead == nil {
		over(nil)
		return
	}
	dead(m, over)
}
