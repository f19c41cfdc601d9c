package fabric

import (
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// nats-server compares a subscription with what is permitted token by token, and takes a
// last ">" for one of them: to it "a.*" permits "a.>", which is wider. What follows closes
// that. What such a subscription would bring beyond the permission is denied, so that
// nats-server leaves it out, where no other permission needs it; and who has made one is
// disconnected, before the next message of Data Xchange, within a second else.

// widePeriod is how often subscriptions are looked at that nothing of Data Xchange's meets.
const widePeriod = time.Second

// beyond are the subjects that a permission with a last "*" opens and none grants.
func beyond(permitted []string) (denied []string) {
	for _, p := range permitted {
		if p != "*" && !strings.HasSuffix(p, ".*") {
			continue
		}
		deeper := p + ".>"
		if !slices.ContainsFunc(permitted, func(other string) bool { return server.SubjectsCollide(other, deeper) }) {
			denied = append(denied, deeper)
		}
	}
	return denied
}

// refuseWide ends the connections of clients from outside that have a subscription which is
// wider than their permission.
func (s *Server) refuseWide(subs []server.SubDetail) {
	for _, sub := range subs {
		if sub.Subject != ">" && !strings.HasSuffix(sub.Subject, ".>") {
			continue
		}
		c, known := s.gate.clients.get(sub.Cid)
		if !known || slices.ContainsFunc(c.permitted, func(p string) bool { return server.SubjectMatchesFilter(sub.Subject, p) }) {
			continue
		}
		s.log.Warn("a client is disconnected: it has subscribed to more than it may", "user", c.user, "subject", sub.Subject)
		if s.options.OnViolation != nil {
			s.options.OnViolation(Violation{User: c.user, Subject: sub.Subject})
		}
		_ = s.nats.DisconnectClientByID(sub.Cid) // it may have gone
	}
}
