package main

import (
	"bytes"
	"fmt"
	"time"
)

// messenger sends messages and receives others, over whatever there is.
type messenger interface {
	send(topic string, payloads [][]byte) error
	// receive waits for at least one message, and takes all that have come.
	receive(take func(payload []byte) error) error
	patience(time.Duration)
	close()
}

// exchange keeps so many messages in flight on one connection: each that comes back, with the
// content that was sent, lets the next go.
func exchange(m messenger, to string, flight, size int, limit time.Duration) (figures, error) {
	defer m.close()
	m.patience(limit + patience)
	sent := map[uint64]time.Time{}
	var times []time.Duration
	var n, back uint64
	begun := time.Now()
	warm := begun.Add(limit / 5)
	end := warm.Add(limit)
	want := make([]byte, 0, size)
	next := func() []byte {
		n++
		sent[n] = time.Now()
		return event(nil, 0, n, size)
	}
	var out [][]byte
	for range flight {
		out = append(out, next())
	}
	for len(sent) > 0 {
		if len(out) > 0 {
			if err := m.send(to, out); err != nil {
				return figures{}, err
			}
			out = out[:0]
		}
		if err := m.receive(func(payload []byte) error {
			var id uint64
			if _, err := fmt.Sscanf(string(payload[:min(len(payload), 24)]), `{"n":%d,`, &id); err != nil {
				return fmt.Errorf("received %.200q", payload)
			}
			at, open := sent[id]
			if want = event(want, 0, id, size); !open || !bytes.Equal(payload, want) {
				return fmt.Errorf("received %.200q, which was not sent", payload)
			}
			delete(sent, id)
			now := time.Now()
			if at.After(warm) {
				times = append(times, now.Sub(at))
			}
			back++
			if now.Before(end) {
				out = append(out, next())
			}
			return nil
		}); err != nil {
			return figures{}, fmt.Errorf("after %d of %d messages: %w", back, n, err)
		}
	}
	return summary(times, time.Since(warm))
}

// topicFigures measures a connection that open makes, with so many in flight.
func topicFigures(o options, flight int, to string, used func() time.Duration, open func() (messenger, error)) (figures, error) {
	return repeated(o.runs, used, func() (figures, error) {
		m, err := open()
		if err != nil {
			return figures{}, err
		}
		return exchange(m, to, flight, o.bytes, o.time)
	})
}

// measureMQTT sends messages by MQTT to a function whose answers come back by MQTT; mosquitto
// alone hands the same messages to the same client, without anybody computing.
func measureMQTT(o options, d *device) error {
	t := newTable("topic: MQTT in, function, MQTT out", "in flight", "rate/s", "p50", "p99", "CPU/call", "÷ mosquitto", "workers' memory")
	base, err := mosquittoAlone(o, t)
	if err != nil {
		return err
	}
	return d.each(o, t, func(a *application) error {
		for _, flight := range o.flights {
			f, err := topicFigures(o, flight, a.name+"/in", d.usedBy(a.name), func() (messenger, error) {
				return dialMQTT(d.mqtt, "bench", d.secret, a.name+"/out")
			})
			if err != nil {
				return err
			}
			t.row(a.subject.name, flight, f, f.rate/max(base[flight], 1), d.memory(a.name))
		}
		return nil
	})
}
