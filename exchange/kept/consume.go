package kept

import (
	"time"
)

// Delivery is a message for a consumer.
type Delivery struct {
	Message
	Attempt int // from 1
	// MaybeBefore: it may have been delivered before. Without it the message is new.
	MaybeBefore bool
}

// Consumer gets a place's messages. Deliver is called from the place's goroutine
// and must not wait; false says that it cannot take the message now, and calls
// [Consumer.Ready] when it can.
type Consumer struct {
	Window   int           // messages unacknowledged at most
	Patience time.Duration // for an answer
	Deliver  func(Delivery) bool

	place *Place
	// Under the place's mu.
	open   int
	stuck  bool
	closed bool
}

// Consume begins to deliver to c.
func (p *Place) Consume(c *Consumer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || p.closed {
		return errClosed()
	}
	c.place = p
	p.consumers = append(p.consumers, c)
	if !p.running {
		p.running = true
		go p.run()
	}
	p.kick()
	return nil
}

// Close ends c's deliveries. What it has not acknowledged goes to others.
func (c *Consumer) Close() {
	p := c.place
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	for i, other := range p.consumers {
		if other == c {
			p.consumers = append(p.consumers[:i], p.consumers[i+1:]...)
			break
		}
	}
	for n, i := range p.open {
		if i.consumer == c {
			p.again(n, i)
		}
	}
	p.kick()
}

// Ready says that Deliver can take messages again.
func (c *Consumer) Ready() {
	c.place.mu.Lock()
	c.stuck = false
	c.place.mu.Unlock()
	c.place.kick()
}

// Done acknowledges a message. This and the other answers mean nothing for one
// that c does not have.
func (c *Consumer) Done(sequence uint64) {
	c.answer(sequence, func(p *Place, i *item) {
		c.open--
		delete(p.open, sequence)
		p.dirty = true
	})
}

// Again has a message delivered again after a delay; a negative one leaves it to
// the place: 0.1 s, doubling with each attempt, to 60 s.
func (c *Consumer) Again(sequence uint64, delay time.Duration) {
	c.answer(sequence, func(p *Place, i *item) {
		if delay < 0 {
			delay = backoff(i.attempt)
		}
		c.open--
		i.consumer = nil
		p.later(sequence, i, time.Now().Add(delay))
	})
}

func backoff(attempt int) time.Duration {
	return min(100*time.Millisecond<<min(max(attempt-1, 0), 10), time.Minute)
}

// Reject sends a message to the dead letter topic.
func (c *Consumer) Reject(sequence uint64) {
	c.answer(sequence, func(p *Place, i *item) {
		c.open--
		i.consumer, i.dying = nil, true
		p.again(sequence, i)
	})
}

// StillAtIt begins the patience anew.
func (c *Consumer) StillAtIt(sequence uint64) {
	c.answer(sequence, func(p *Place, i *item) { p.later(sequence, i, time.Now().Add(c.Patience)) })
}

func (c *Consumer) answer(sequence uint64, do func(*Place, *item)) {
	p := c.place
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := p.open[sequence]; i != nil && i.consumer == c {
		do(p, i)
		p.kick()
	}
}
