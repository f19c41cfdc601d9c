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
	known map[uint64]outside
}

// outside is a client from outside: its user, and what it may subscribe to.
type outside struct {
	user      string
	permitted []string
}

func (c *clients) note(id uint64, client outside) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[uint64]outside{}
	}
	c.known[id] = client
}

func (c *clients) get(id uint64) (outside, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	client, known := c.known[id]
	return client, known
}

func (c *clients) any() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.known) > 0
}

// of returns a user's connections, or with "" all, as far as they have not ended.
func (c *clients) of(user string, live func(uint64) bool) (ids []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, client := range c.known {
		switch {
		case !live(id):
			delete(c.known, id)
		case client.user == user || user == "":
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
	client, known := s.gate.clients.get(id)
	if !known {
		return false
	}
	if quoted, err := strconv.QuotedPrefix(subject); err == nil {
		subject, _ = strconv.Unquote(quoted)
	}
	if s.options.OnViolation != nil {
		s.options.OnViolation(Violation{User: client.user, Publish: strings.HasSuffix(before, "Publish"), Subject: subject})
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
