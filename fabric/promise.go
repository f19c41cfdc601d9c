package fabric

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"fescue.dev/fescue/fail"
)

// MQTT promises to deliver messages of QoS 1 and 2, also to a session that is away.
// nats-server keeps them in a stream of its own and gives a message to a subscription
// with QoS from there alone: what is on the subject itself, and says in a header that
// it has a QoS, it passes over there. Both are its protocol between servers (mqtt.go of
// nats-server 2.15), and what follows speaks it as another server would.
const (
	promiseStream = "$MQTT_msgs"
	promisePrefix = "$MQTT.msgs."
	promiseHeader = "Nmqtt-Pub"

	// promiseBytes bounds what waits for sessions that are away; then the oldest go.
	promiseBytes = 64 << 20
	// keptConsumer is the durable reader that takes over what clients publish.
	keptConsumer = "fescue-kept"
	// takePatience is when a message is given again that was not done, because the
	// device was killed, or the disk is very slow; its id tells it from a new one.
	takePatience = 5 * time.Second
	// promisesOpen is how many messages may be on their way in one direction.
	promisesOpen = 256
)

// promised tells whether a message of the data account is also in the stream.
func promised(m *nats.Msg) bool {
	qos := m.Header.Get(promiseHeader)
	return qos != "" && qos[0] != '0'
}

// preparePromises makes the stream, before nats-server does and without its bound.
func (s *Server) preparePromises(ctx context.Context) error {
	nc, err := s.Data()
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err == nil {
		_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: promiseStream, Subjects: []string{promisePrefix + ">"}, Storage: jetstream.FileStorage,
			Retention: jetstream.InterestPolicy, Replicas: 1, MaxBytes: min(promiseBytes, s.options.MaxStore/4), Discard: jetstream.DiscardOld,
		})
	}
	return fail.Wrap(err, fail.Internal, "prepare MQTT", promiseStream)
}

// Promises tells whether there are MQTT clients to whom something can be promised.
func (p *Peer) Promises() bool {
	return p.server.options.MQTT != "" || p.server.options.WebSocket != ""
}

// PublishPromised is [Peer.Publish] of a message that is, or will be, given to
// [Peer.Promise] as well: MQTT subscriptions with QoS wait for that.
func (p *Peer) PublishPromised(subject string, payload []byte) error {
	if internal(subject) {
		return p.Publish(subject, payload)
	}
	m := &nats.Msg{Subject: subject, Data: payload, Header: nats.Header{promiseHeader: {"1"}}}
	return fail.Wrap(p.nc.PublishMsg(m), fail.Unavailable, "publish to fabric", subject)
}

// Awaited tells whether an MQTT subscription with QoS, of a session that is there or
// away, would get a message on the subject. It costs as much as [Peer.Interest].
func (p *Peer) Awaited(subject string) bool { return p.server.interest.awaited(subject) }

// Promise stores a message for the MQTT subscriptions with QoS, in the order of the
// calls, and calls done when it is on disk, or is not. id: it is stored once, however
// often it comes within two minutes.
func (p *Peer) Promise(subject string, payload []byte, id string, done func(error)) {
	m := &nats.Msg{Subject: promisePrefix + subject, Data: payload, Header: nats.Header{promiseHeader: {"1"}}}
	p.promises.add(m, done)
	_, err := p.promises.js.PublishMsgAsync(m, jetstream.WithMsgID(ownPromise+id), jetstream.WithExpectStream(promiseStream))
	if err != nil {
		p.promises.settle(m, err)
	}
}

// promises are the messages that are on their way to the stream.
type promises struct {
	js jetstream.JetStream

	mu   sync.Mutex
	open map[*nats.Msg]func(error)
}

func newPromises(nc *nats.Conn) (*promises, error) {
	p := &promises{open: map[*nats.Msg]func(error){}}
	var err error
	p.js, err = jetstream.New(nc,
		jetstream.WithPublishAsyncAckHandler(func(_ jetstream.JetStream, m *nats.Msg, _ *jetstream.PubAck) { p.settle(m, nil) }),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, m *nats.Msg, err error) { p.settle(m, err) }),
		jetstream.WithPublishAsyncTimeout(time.Minute))
	return p, err
}

func (p *promises) add(m *nats.Msg, done func(error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[m] = done
}

func (p *promises) settle(m *nats.Msg, err error) {
	p.mu.Lock()
	done := p.open[m]
	delete(p.open, m)
	p.mu.Unlock()
	if done != nil {
		done(fail.Wrap(err, fail.Unavailable, "keep for MQTT sessions", strings.TrimPrefix(m.Subject, promisePrefix)))
	}
}

// taker takes over a message that an MQTT client published with QoS 1 or 2; id is
// its own. done says that it is safe, or is to come again.
type taker = func(subject string, payload []byte, id string, done func(error))

// Take gives to take what MQTT clients publish with QoS 1 or 2 on the subjects, with an
// id that is the message's own, until stop is called. done says that a message is safe, or is
// to come again. nats-server acknowledges such a message to its client when it is in
// the stream, on disk; it stays there until it is taken over, whatever is killed in between.
func (p *Peer) Take(ctx context.Context, subjects []string, take taker) (stop func(), err error) {
	const op = "take over MQTT messages"
	js := p.promises.js
	if len(subjects) == 0 {
		err := js.DeleteConsumer(ctx, promiseStream, keptConsumer)
		if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
			err = nil
		}
		return func() {}, fail.Wrap(err, fail.Unavailable, op, "")
	}
	filters := make([]string, 0, len(subjects))
	for _, s := range subjects {
		filters = append(filters, promisePrefix+s)
	}
	c, err := js.CreateOrUpdateConsumer(ctx, promiseStream, jetstream.ConsumerConfig{
		Durable: keptConsumer, AckPolicy: jetstream.AckExplicitPolicy, DeliverPolicy: jetstream.DeliverNewPolicy,
		FilterSubjects: filters, MaxAckPending: promisesOpen, AckWait: takePatience,
	})
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, op, strings.Join(subjects, " "))
	}
	consuming, err := c.Consume(func(m jetstream.Msg) { p.taken(m, take) })
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, op, "")
	}
	return consuming.Stop, nil
}

func (p *Peer) taken(m jetstream.Msg, take taker) {
	subject := strings.TrimPrefix(m.Subject(), promisePrefix)
	meta, err := m.Metadata()
	if err != nil || strings.HasPrefix(m.Headers().Get(nats.MsgIdHdr), ownPromise) {
		_ = m.Ack() // one of this side's own
		return
	}
	id := fmt.Sprintf("mqtt-%d-%x", meta.Sequence.Stream, meta.Timestamp.UnixNano())
	take(subject, m.Data(), id, func(err error) {
		if err != nil {
			err = m.NakWithDelay(time.Second)
		} else {
			err = m.Ack()
		}
		if err != nil {
			p.server.log.Warn("an MQTT message will come again", "subject", subject, "error", err)
		}
	})
}

// ownPromise begins the ids of [Peer.Promise].
const ownPromise = "kept-"
