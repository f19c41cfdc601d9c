package fabric

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// clients remembers who is behind each connection from outside.
type clients struct {
	mu    sync.Mutex
	users map[uint64]string
}

func (c *clients) note(id uint64, user string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users == nil {
		c.users = map[uint64]string{}
	}
	c.users[id] = user
}

func (c *clients) user(id uint64) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	user, known := c.users[id]
	return user, known
}

// of returns a user's connections, or with "" all, as far as they have not ended.
func (c *clients) of(user string, live func(uint64) bool) (ids []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, u := range c.users {
		switch {
		case !live(id):
			delete(c.users, id)
		case u == user || user == "":
			ids = append(ids, id)
		}
	}
	return ids
}

// described is how nats-server's text of a connection says what it speaks (mid, or
// over WebSocket mid_ws, is MQTT) and how it calls itself; for MQTT that is its client id.
var described = regexp.MustCompile(`(mid|cid|wid)[a-z_]*:(\d+)(?: - ("(?:[^"\\]|\\.)*"))?`)

// describe tells what a connection speaks, and its client id. nats-server has no
// other way to say it than the text with which the connection is logged.
func describe(c server.ClientAuthentication) (Protocol, string) {
	text, ok := c.(fmt.Stringer)
	if !ok {
		return NATS, ""
	}
	parts := described.FindStringSubmatch(text.String())
	if len(parts) < 4 || parts[1] != "mid" || parts[3] == "" {
		return NATS, ""
	}
	id, err := strconv.Unquote(parts[3])
	if err != nil {
		return NATS, ""
	}
	return MQTT, id
}

// violated reports a line of nats-server's log that is about a want of permission.
func (s *Server) violated(text string) bool {
	before, subject, found := strings.Cut(text, " Violation - Subject ")
	if !found {
		return false
	}
	parts := described.FindStringSubmatch(before)
	if len(parts) < 3 {
		return false
	}
	id, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return false
	}
	user, known := s.gate.clients.user(id)
	if !known {
		return false
	}
	if quoted, err := strconv.QuotedPrefix(subject); err == nil {
		subject, _ = strconv.Unquote(quoted)
	}
	if s.options.OnViolation != nil {
		s.options.OnViolation(Violation{User: user, Publish: strings.HasSuffix(before, "Publish"), Subject: subject})
	}
	return true
}

func (s *Server) live(id uint64) bool { return s.nats.GetClient(id) != nil }

// Disconnect closes all connections of a user from outside and tells how many
// there were. A client that connects again is asked for its credentials anew.
func (s *Server) Disconnect(user string) int {
	n := 0
	for _, id := range s.gate.clients.of(user, s.live) {
		if s.nats.DisconnectClientByID(id) == nil {
			n++
		}
	}
	return n
}

// Connections is how many connections from outside a user has.
func (s *Server) Connections(user string) int { return len(s.gate.clients.of(user, s.live)) }
