package exchange

import (
	"context"
	"sync"
	"time"

	"fescue.dev/fescue/exchange/kept"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Delivery is a kept message for a consumer in this process. One of its answers
// is to be given: Done, Again or Reject.
type Delivery struct {
	kept.Delivery
	consumer *kept.Consumer
}

// Done acknowledges the message.
func (d Delivery) Done() { d.consumer.Done(d.Sequence) }

// Again has it delivered again after a delay; a negative one leaves it to the
// exchange: 0.1 s, doubling with each attempt, to 60 s.
func (d Delivery) Again(delay time.Duration) { d.consumer.Again(d.Sequence, delay) }

// Reject sends it to the dead letter topic.
func (d Delivery) Reject() { d.consumer.Reject(d.Sequence) }

// StillAtIt begins the patience anew.
func (d Delivery) StillAtIt() { d.consumer.StillAtIt(d.Sequence) }

// Consumption is one of a Client's.
type Consumption struct{ consumer *kept.Consumer }

// Close ends the deliveries. What was not answered comes to the next who consumes
// from the place.
func (c *Consumption) Close() { c.consumer.Close() }

// Consume calls handle for every message that is kept and matches, until it was
// acknowledged, also those published while nobody consumed. handle is called from
// one goroutine, in order, and must not wait. fail.NotFound if nobody has the
// topic kept, fail.Denied without the permission to subscribe.
func (c *Client) Consume(o ConsumeOptions, handle func(Delivery)) (*Consumption, error) {
	const op = "consume"
	s := c.session
	if err := o.Filter.Validate(); err != nil {
		return nil, fail.New(fail.Invalid, op, "%w", err).On(string(o.Filter))
	}
	if !validPlace(o.Place) {
		return nil, fail.New(fail.Invalid, op, "a place's name has 1 to 64 of A-Z, a-z, 0-9, - and _").On(o.Place)
	}
	if !s.app.perms.Load().maySubscribe(string(o.Filter)) {
		return nil, codeError(op, string(o.Filter), wire.Denied, deniedText(s.app.name, "subscribe to", string(o.Filter)))
	}
	place, err := s.router.place(s.app.name, o.Place, o)
	if err != nil {
		return nil, err
	}
	consumer := &kept.Consumer{Window: o.Pending, Patience: o.Patience}
	or(&consumer.Window, defaultWindow)
	or(&consumer.Patience, defaultPatience)
	consumer.Deliver = func(d kept.Delivery) bool {
		handle(Delivery{d, consumer})
		return true
	}
	if err := place.Consume(consumer); err != nil {
		return nil, err
	}
	go func() {
		<-s.done
		consumer.Close()
	}()
	return &Consumption{consumer}, nil
}

// Forget removes a place with what it remembers; false if there is none.
func (c *Client) Forget(place string) bool {
	return c.session.router.stores.forget(placeName(c.session.app.name, place))
}

// Store publishes a message and returns when it is on disk wherever its topic is
// kept. id, if not "", names the message: stored once, however often it is sent within two
// minutes. Errors: fail.NotFound if nobody keeps the topic, fail.TooLarge when what is
// kept is full, fail.Exhausted when the disk is.
func (c *Client) Store(ctx context.Context, topic spec.Topic, payload []byte, id string) error {
	done := make(chan error, 1)
	tell := sync.OnceFunc(func() { close(done) })
	var failure error
	err := c.publishDurably(topic, payload, id, func(err error) { failure = err; tell() })
	if err != nil {
		return err
	}
	select {
	case <-done:
		return failure
	case <-ctx.Done():
		return fail.New(fail.KindOf(context.Cause(ctx)), "store", "%w", context.Cause(ctx)).On(string(topic))
	}
}

// publishDurably publishes; told is called once when it is on disk, or is not. An
// error is returned instead.
func (c *Client) publishDurably(topic spec.Topic, payload []byte, id string, told func(error)) error {
	rc := &receipt{session: c.session, message: id, told: told}
	stored := true
	err := c.with("store", string(topic), len(payload), func(p *publisher, reg *registration) (wire.Code, string) {
		stored = p.store(rc, reg, payload)
		return 0, ""
	})
	if err == nil && !stored {
		return fail.New(fail.NotFound, "store", "nobody has this topic kept").On(string(topic)).
			WithHint("Name it under resources.keep.")
	}
	return err
}
