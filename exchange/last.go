package exchange

import (
	"sync"
	"time"
	"unicode/utf8"
)

// LastMessage is the beginning of a message that was published last on a topic.
type LastMessage struct {
	Time    time.Time
	Payload []byte
	Size    int // of the whole payload
}

// lastKept is how many bytes of a payload are remembered.
const lastKept = 256

// last remembers what a session published last on a topic.
type last struct {
	mu      sync.Mutex
	message LastMessage
}

func (l *last) note(payload []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := &l.message
	m.Time, m.Size = time.Now(), len(payload)
	m.Payload = append(m.Payload[:0], beginning(payload)...)
}

// beginning is as much of a payload as is remembered; text is not cut within a character.
func beginning(payload []byte) []byte {
	if len(payload) <= lastKept {
		return payload
	}
	n := lastKept
	for n > lastKept-utf8.UTFMax && !utf8.RuneStart(payload[n]) {
		n--
	}
	return payload[:n]
}

// later is the later one of m and what l remembers.
func (l *last) later(m LastMessage) LastMessage {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.message.Time.Before(m.Time) || l.message.Time.IsZero() {
		return m
	}
	m = l.message
	m.Payload = append([]byte(nil), m.Payload...)
	return m
}
