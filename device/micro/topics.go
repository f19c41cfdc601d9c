package micro

import (
	"bytes"
	"time"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/spec"
)

// mostTopics bounds what a board can register.
const mostTopics = 256

// registered handles topics that the board calls by a number, to say their names once.
// Whether the function may publish there is checked for every message.
func (b *Board) registered(f wire.Frame) error {
	if f.Type == wire.Publish {
		b.mu.Lock()
		topic, known := b.topics[f.ID]
		b.mu.Unlock()
		if !known {
			return b.send(wire.AppendError(nil, f.ID, wire.UnknownID, wire.Publish, "", ""))
		}
		b.events.Publish(b.function(), topic, bytes.Clone(f.Body))
		return nil
	}
	code := wire.Code(0)
	b.mu.Lock()
	switch _, known := b.topics[f.ID]; {
	case f.Type == wire.Unregister:
		delete(b.topics, f.ID)
	case spec.Topic(f.Body).Validate() != nil:
		code = wire.InvalidTopic
	case !known && len(b.topics) >= mostTopics:
		code = wire.Limit
	default: // a number that is used again is the new topic's
		b.topics[f.ID] = spec.Topic(f.Body)
	}
	b.mu.Unlock()
	if code != 0 {
		return b.send(wire.AppendError(nil, f.ID, code, f.Type, string(f.Body), ""))
	}
	return b.send(wire.AppendOK(nil, f.ID, f.Type))
}

// timeEvery is how often a board is told the time: its own clock is wrong by less than
// 0.1 s in that time.
const timeEvery = 10 * time.Minute

func (b *Board) tellTime() error { return b.send(wire.AppendTime(nil, time.Now().UnixMilli())) }

// keepTime tells the time until the session ends.
func (b *Board) keepTime() {
	for tick := time.NewTicker(timeEvery); ; {
		select {
		case <-tick.C:
			if b.tellTime() != nil {
				return // the reader sees it, too
			}
		case <-b.closed:
			tick.Stop()
			return
		}
	}
}
