package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// answers collects what the clients publish on scale/got/NAME, through a NATS client of the
// agent's, and publishes for them.
type answers struct {
	conn *nats.Conn

	mu      sync.Mutex
	due     map[string]int // "NAME TEXT" and how often
	strange []string
	done    chan struct{} // closed when nothing is due
	trips   chan string
}

func collect(address, user, password string) (*answers, error) {
	conn, err := nats.Connect("nats://"+address, nats.UserInfo(user, password))
	if err != nil {
		return nil, err
	}
	a := &answers{conn: conn, due: map[string]int{}, trips: make(chan string, 1)}
	sub, err := conn.Subscribe("scale.got.>", func(m *nats.Msg) { a.heard(strings.TrimPrefix(m.Subject, "scale.got."), string(m.Data)) })
	if err != nil {
		return nil, err
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, err
	}
	return a, conn.Flush()
}

func (a *answers) heard(name, text string) {
	if result, ok := strings.CutPrefix(text, "trips "); ok {
		a.trips <- result
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	key := name + " " + text
	if a.due[key] == 0 {
		a.strange = append(a.strange, key)
		return
	}
	if a.due[key]--; a.due[key] == 0 {
		delete(a.due, key)
	}
	if len(a.due) == 0 && a.done != nil {
		close(a.done)
		a.done = nil
	}
}

// expect says what is to come. Of what comes unasked the next wait tells.
func (a *answers) expect(name, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due[name+" "+text]++
}

// wait waits until everything that is due has come, each as often as it was expected.
func (a *answers) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a.mu.Lock()
	var done chan struct{}
	if len(a.due) > 0 {
		done = make(chan struct{})
		a.done = done
	}
	a.mu.Unlock()
	var err error
	if done != nil {
		select {
		case <-done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		for key := range a.due {
			return fmt.Errorf("%d answers have not come, one is %q: %w", len(a.due), key, err)
		}
	}
	if len(a.strange) > 0 {
		return fmt.Errorf("%d answers came that were not due, one is %q", len(a.strange), a.strange[0])
	}
	return nil
}

// send publishes on a topic.
func (a *answers) send(topic, text string) error {
	return a.conn.Publish(strings.ReplaceAll(topic, "/", "."), []byte(text))
}
