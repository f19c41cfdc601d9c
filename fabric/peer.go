package fabric

import (
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/fail"
)

// Peer is the data account as Data Xchange sees it: one more neighbour to which
// messages can be handed and from which they come. It speaks in NATS subjects;
// how topics become subjects is Data Xchange's to know. What a peer publishes does not
// come back to it.
type Peer struct {
	server   *Server
	nc       *nats.Conn
	promises *promises

	mu   sync.Mutex
	subs map[*nats.Subscription]struct{}
	lost uint64 // by subscriptions that have ended
}

// Waiting messages of one subscription, above which new ones are dropped and
// counted; see [Peer.Dropped].
const (
	peerPendingMessages = 65_536
	peerPendingBytes    = 16 << 20
)

// Peer joins the data account. Close it, or the server.
func (s *Server) Peer() (*Peer, error) {
	nc, err := s.Data()
	if err != nil {
		return nil, err
	}
	promises, err := newPromises(nc)
	if err != nil {
		nc.Close()
		return nil, fail.Wrap(err, fail.Internal, "join the data account", "")
	}
	return &Peer{server: s, nc: nc, promises: promises, subs: map[*nats.Subscription]struct{}{}}, nil
}

// Close leaves the data account.
func (p *Peer) Close() { p.nc.Close() }

// Publish hands a message to the subscribers in the data account. It returns
// once the message is on its way; order is kept. Subjects of NATS itself are
// Denied: an application must not reach JetStream's API by a topic "$JS/…".
func (p *Peer) Publish(subject string, payload []byte) error {
	if internal(subject) {
		return fail.New(fail.Denied, "publish to fabric", "the first level belongs to NATS itself").On(subject).
			WithHint("Use a topic that does not begin with '$', '_INBOX' or '_R_'.")
	}
	return fail.Wrap(p.nc.Publish(subject, payload), fail.Unavailable, "publish to fabric", subject)
}

// internal tells whether a subject is one of NATS's own, or a reply to one of
// its clients.
func internal(subject string) bool {
	first, _, _ := strings.Cut(subject, ".")
	return strings.HasPrefix(first, "$") || strings.HasPrefix(first, "_INBOX") || first == "_R_"
}

// Interest is the number of subscriptions that would get a message on the
// subject: of NATS and MQTT clients, of streams, and the peers' own. It takes a
// fraction of a microsecond while subscriptions do not change.
func (p *Peer) Interest(subject string) int { return p.server.Interest(subject) }

// Subscribe calls deliver, from one goroutine and in order, for every message of
// others that matches, but for those that are NATS's own. It returns when the server knows
// of it. deliver may keep the payload; taken says that the message also comes by [Peer.Take].
func (p *Peer) Subscribe(subject string, deliver func(subject string, payload []byte, taken bool)) (unsubscribe func(), err error) {
	sub, err := p.nc.Subscribe(subject, func(m *nats.Msg) {
		if !internal(m.Subject) {
			deliver(m.Subject, m.Data, promised(m))
		}
	})
	if err == nil {
		err = sub.SetPendingLimits(peerPendingMessages, peerPendingBytes)
	}
	if err == nil {
		err = p.nc.Flush()
	}
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, "subscribe at fabric", subject)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subs[sub] = struct{}{}
	return sync.OnceFunc(func() { p.end(sub) }), nil
}

func (p *Peer) end(sub *nats.Subscription) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.subs, sub)
	p.lost += dropped(sub)
	_ = sub.Unsubscribe() // fails only when the connection is closed: then it is gone too
}

// Dropped is the number of messages from the data account that were dropped
// because deliver was slower than they came.
func (p *Peer) Dropped() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.lost
	for sub := range p.subs {
		n += dropped(sub)
	}
	return n
}

func dropped(sub *nats.Subscription) uint64 {
	n, err := sub.Dropped()
	if err != nil || n < 0 {
		return 0
	}
	return uint64(n)
}
