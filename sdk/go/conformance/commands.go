package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	fescue "fescue.dev/fescue/sdk/go"
)

// number reads a number that the test wrote.
func number(word string) int {
	n, _ := strconv.Atoi(word)
	return n
}

func (d *driver) obey(ctx context.Context, verb string, w []string) (string, error) {
	switch verb {
	case "connect":
		return d.connect(ctx)
	case "publish":
		return "", d.client.Publish(ctx, w[0], bytesOf(w[1]))
	case "confirm":
		return "", d.client.Confirm(ctx, w[0], bytesOf(w[1]))
	case "flood":
		return "", d.flood(ctx, w[0], number(w[1]), number(w[2]))
	case "request":
		ctx, cancel := context.WithTimeout(ctx, time.Duration(number(w[1]))*time.Millisecond)
		defer cancel()
		reply, err := d.client.Request(ctx, w[0], bytesOf(w[2]))
		return shown(reply), err
	case "log":
		return "", d.client.Log(ctx, slog.Level(4*number(w[0])-4), string(bytesOf(w[1])))
	case "drain":
		return "", d.client.Drain(ctx)
	case "close":
		return "", d.client.Close()
	case "hold":
		d.gate.Lock()
		return "", nil
	case "resume":
		d.gate.Unlock()
		return "", nil
	case "unsubscribe", "unwatch":
		return "", d.made[w[0]].Close()
	}
	return d.obeyMore(ctx, verb, w)
}

func (d *driver) obeyMore(ctx context.Context, verb string, w []string) (string, error) {
	switch verb {
	case "subscribe":
		return "", d.subscribe(ctx, w)
	case "credit":
		s, ok := d.made[w[0]].(*fescue.Subscription)
		if !ok {
			return "", errors.New("no subscription " + w[0])
		}
		return "", s.Credit(number(w[1]))
	case "respond":
		return "", d.respond(ctx, w[0], w[1])
	case "store":
		return "", d.client.Store(ctx, w[0], bytesOf(w[1]))
	case "consume":
		return "", d.consume(ctx, w)
	case "done", "again", "reject":
		return "", d.answer(verb, w)
	case "forget":
		return "", d.client.Forget(ctx, w[0])
	case "history":
		return d.history(ctx, w)
	}
	return d.obeyState(ctx, verb, w)
}

func (d *driver) obeyState(ctx context.Context, verb string, w []string) (string, error) {
	revision := func(n uint64, err error) (string, error) { return strconv.FormatUint(n, 10), err }
	switch verb {
	case "get":
		v, err := d.client.Get(ctx, w[0])
		return fmt.Sprint(v.Revision, " ", shown(v.Bytes)), err
	case "put":
		return revision(d.client.Put(ctx, w[0], bytesOf(w[1]), time.Duration(number(w[2]))*time.Second))
	case "put-if":
		return revision(d.client.PutIf(ctx, w[0], bytesOf(w[1]), 0, uint64(number(w[2]))))
	case "delete":
		return "", d.client.Delete(ctx, w[0])
	case "delete-if":
		return "", d.client.DeleteIf(ctx, w[0], uint64(number(w[1])))
	case "keys":
		keys, err := d.client.Keys(ctx, w[0])
		return strings.Join(keys, " "), err
	case "watch":
		return "", d.watch(ctx, w[0], w[1])
	}
	return "", fescue.Unsupported
}

func (d *driver) flood(ctx context.Context, topic string, count, size int) error {
	payload := []byte(strings.Repeat("x", size))
	for n := range count {
		binary.LittleEndian.PutUint32(payload, uint32(n))
		if err := d.client.Publish(ctx, topic, payload); err != nil {
			return err
		}
	}
	return nil
}

func (d *driver) subscribe(ctx context.Context, w []string) error {
	name := w[0]
	o := fescue.SubscribeOptions{Queue: number(w[3]), ByCredit: w[4] != "-", Credit: number(w[4])}
	o.Policy = map[string]fescue.Policy{"drop-newest": fescue.DropNewest, "block": fescue.Block}[w[2]]
	s, err := d.client.Subscribe(ctx, w[1], o)
	if err != nil {
		return err
	}
	d.made[name] = s
	follow(d, name, s.Next, func(m fescue.Message) { d.say("message %s %s %s", name, m.Topic, shown(m.Payload)) })
	return nil
}

func (d *driver) respond(ctx context.Context, name, filter string) error {
	r, err := d.client.Respond(ctx, filter, func(_ context.Context, m fescue.Message) ([]byte, error) {
		d.pass()
		if string(m.Payload) == "fail" {
			return nil, errors.New("as it was told to")
		}
		slices.Reverse(m.Payload)
		return m.Payload, nil
	})
	d.made[name] = r
	return err
}

func (d *driver) consume(ctx context.Context, w []string) error {
	name := w[0]
	p := fescue.Place{Name: w[1], Filter: w[2], Oldest: w[3] == "oldest", Window: number(w[4]),
		Patience: time.Duration(number(w[5])) * time.Millisecond, Attempts: number(w[6]), DeadLetter: strings.TrimPrefix(w[7], "-")}
	s, err := d.client.Consume(ctx, p)
	if err != nil {
		return err
	}
	d.made[name] = s
	follow(d, name, s.Next, func(m *fescue.Delivery) {
		d.open.mu.Lock()
		d.open.m[fmt.Sprint(name, " ", m.Sequence)] = m
		d.open.mu.Unlock()
		flags := 0
		if m.MaybeBefore {
			flags = 1
		}
		d.say("delivery %s %d %d %d %s %s", name, m.Sequence, m.Attempt, flags, m.Topic, shown(m.Payload))
	})
	return nil
}

func (d *driver) answer(verb string, w []string) error {
	d.open.mu.Lock()
	m := d.open.m[w[0]+" "+w[1]]
	d.open.mu.Unlock()
	switch {
	case m == nil:
		return errors.New("no such delivery")
	case verb == "done":
		m.Done()
	case verb == "reject":
		m.Reject()
	case w[2] == "-":
		m.Again(-1)
	default:
		m.Again(time.Duration(number(w[2])) * time.Millisecond)
	}
	return nil
}

func (d *driver) history(ctx context.Context, w []string) (string, error) {
	at := func(word string) time.Time {
		if word == "0" {
			return time.Time{}
		}
		return time.UnixMilli(int64(number(word)))
	}
	limit := number(w[3])
	found, err := d.client.History(ctx, w[0], fescue.Range{From: at(w[1]), Until: at(w[2]), Limit: max(limit, -limit), Newest: limit < 0})
	for _, p := range found {
		d.say("past %d %d %s %s", p.Sequence, p.Time.UnixMilli(), p.Topic, shown(p.Payload))
	}
	return strconv.Itoa(len(found)), err
}

func (d *driver) watch(ctx context.Context, name, filter string) error {
	watcher, err := d.client.Watch(ctx, filter)
	if err != nil {
		return err
	}
	d.made[name] = watcher
	kinds := map[fescue.ChangeKind]string{fescue.KeyPut: "put", fescue.KeyDeleted: "deleted", fescue.KeyExpired: "expired", fescue.EndOfPresent: "end"}
	follow(d, name, watcher.Next, func(c fescue.Change) {
		key := c.Key
		if key == "" {
			key = "-"
		}
		d.say("change %s %s %d %s %s", name, kinds[c.Kind], c.Revision, key, shown(c.Value))
	})
	return nil
}
