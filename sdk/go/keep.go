package fescue

import (
	"context"
	"errors"
	"strconv"
	"time"

	"fescue.dev/fescue/exchange/wire"
)

// Store publishes on a kept topic and waits until the message is on disk. When the
// link is lost meanwhile it is sent again, and kept once nevertheless.
func (c *Client) Store(ctx context.Context, topic string, payload []byte) error {
	if err := c.checkMessage(topic, 4+wire.MaxMessageID+len(payload)); err != nil {
		return err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 2*c.opt.Timeout)
		defer cancel()
	}
	message := c.prefix + "-" + strconv.FormatUint(uint64(c.nextRequest()), 36)
	for {
		id := c.nextRequest()
		_, err := c.ask(ctx, question{wire.Store, id}, func(b []byte) []byte { return wire.AppendStore(b, id, message, topic, payload) })
		if !errors.Is(err, ConnectionLost) || ctx.Err() != nil {
			return err
		}
	}
}

// Place is where a consumer reads a kept topic, and how. The broker remembers under its
// name what was done.
type Place struct {
	Name       string
	Filter     string
	Oldest     bool          // a new place begins with the oldest message kept, not with what comes from now on
	From       time.Time     // a new place begins with the first message not before it
	Window     int           // deliveries that may be unanswered; 0: 64
	Patience   time.Duration // until a message that was not answered is delivered again; 0: 30 s
	Attempts   int           // deliveries of a message at most; 0: without end
	DeadLetter string        // topic for what had its attempts or was rejected
}

// Consumer gives a place's deliveries; each is to be answered.
type Consumer struct {
	*queue[*Delivery]

	c    *Client
	id   uint32
	body wire.ConsumeBody
}

// Delivery is a kept message.
type Delivery struct {
	Message
	Sequence    uint64 // its number in its kept topic
	Time        time.Time
	Attempt     int  // from 1
	MaybeBefore bool // it may have been delivered before

	consumer *Consumer
	session  uint32
}

// Consume reads a kept topic from a place.
func (c *Client) Consume(ctx context.Context, p Place) (*Consumer, error) {
	if p.Window < 0 || p.Window > 0xffff || p.Attempts < 0 || p.Attempts > 0xffff {
		return nil, failed(Misconfigured, p.Filter, "window and attempts are 0 to 65,535")
	}
	s := &Consumer{c: c, queue: newQueue[*Delivery](0)}
	s.body = wire.ConsumeBody{
		Window: uint16(p.Window), Patience: uint32(p.Patience.Milliseconds()), Attempts: uint16(p.Attempts),
		Place: []byte(p.Name), DeadLetter: []byte(p.DeadLetter), Filter: []byte(p.Filter),
	}
	switch {
	case p.Oldest:
		s.body.Start = wire.StartOldest
	case !p.From.IsZero():
		s.body.Start, s.body.From = wire.StartTime, uint64(p.From.UnixMilli())
	}
	_, err := c.make(ctx, wire.Consume, p.Filter, s)
	return s, err
}

// Close ends the deliveries; the place stays.
func (s *Consumer) Close() error { return s.c.shut(wire.Consume, s.id, s) }

func (s *Consumer) setID(id uint32) { s.id = id }

func (s *Consumer) appendTo(b []byte, _ bool) []byte { return wire.AppendConsume(b, s.id, s.body) }

func (s *Consumer) take(f wire.Frame, session uint32) {
	d, _ := f.Delivery()
	s.push(&Delivery{
		Message:  Message{Topic: string(d.Topic), Payload: clone(d.Payload)},
		Sequence: d.Sequence, Time: time.UnixMilli(int64(d.Time)), Attempt: int(d.Attempt), MaybeBefore: d.Flags&wire.Delivered != 0,
		consumer: s, session: session,
	})
}

// Done says that the message is dealt with.
func (d *Delivery) Done() { d.ack(wire.Done, 0) }

// Again has it delivered again after a delay; a negative one leaves it to the broker.
func (d *Delivery) Again(delay time.Duration) {
	ms := uint32(wire.OwnDelay)
	if delay >= 0 {
		ms = uint32(min(delay.Milliseconds(), wire.OwnDelay-1))
	}
	d.ack(wire.Again, ms)
}

// Reject sends it to the dead letter topic at once.
func (d *Delivery) Reject() { d.ack(wire.Rejected, 0) }

// StillAtIt lets the broker's patience begin anew.
func (d *Delivery) StillAtIt() { d.ack(wire.StillAt, 0) }

// ack answers on the link it came on: on another one the message is delivered again.
func (d *Delivery) ack(v wire.Verdict, delay uint32) {
	d.consumer.c.onSession(d.session, func(b []byte) []byte {
		return wire.AppendAck(b, d.consumer.id, wire.AckBody{Sequence: d.Sequence, Verdict: v, Delay: delay})
	})
}

// Forget removes a place.
func (c *Client) Forget(ctx context.Context, place string) error {
	id := c.nextRequest()
	_, err := c.ask(ctx, question{wire.Forget, id}, func(b []byte) []byte { return wire.AppendPlain(b, wire.Forget, id, place) })
	return err
}

// Range is a part of a kept topic's history.
type Range struct {
	From, Until time.Time // Until itself is outside; zero: no bound
	Limit       int       // 0: 1,000
	Newest      bool      // the newest ones where there are more than the limit
}

// Past is a kept message.
type Past struct {
	Message
	Sequence uint64
	Time     time.Time
}

// History is the kept messages of topics that match the filter, oldest first.
func (c *Client) History(ctx context.Context, filter string, r Range) ([]Past, error) {
	body := wire.HistoryBody{Limit: uint32(max(r.Limit, 0)), From: millis(r.From), Until: millis(r.Until), Filter: []byte(filter)}
	if r.Newest {
		body.Flags = wire.Newest
	}
	if err := checkTopic(filter); err != nil {
		return nil, err
	}
	id := c.nextRequest()
	var found []Past
	c.listen(id, func(f wire.Frame) {
		p, _ := f.Delivery()
		found = append(found, Past{Message{string(p.Topic), clone(p.Payload)}, p.Sequence, time.UnixMilli(int64(p.Time))})
	})
	defer c.listen(id, nil)
	_, err := c.ask(ctx, question{wire.History, id}, func(b []byte) []byte { return wire.AppendHistory(b, id, body) })
	if err != nil {
		return nil, err
	}
	return found, nil
}

func millis(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixMilli())
}

// listen has take given the frames of a listing; nil ends that.
func (c *Client) listen(id uint32, take func(wire.Frame)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if take == nil {
		delete(c.listing, id)
		return
	}
	c.listing[id] = take
}
