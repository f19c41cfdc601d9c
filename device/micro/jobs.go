package micro

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// job is an event for a function: a message of one of its triggers.
type job struct {
	app     spec.Name
	trigger spec.Trigger
	message exchange.Message
}

func exportOf(handler string) string {
	_, export, _ := strings.Cut(handler, ":")
	return export
}

// subscribe makes an application's triggers those of the version that runs, or
// ends them.
func (d *Device) subscribe(h *holding, on bool) {
	for _, s := range h.subs {
		s.Close()
	}
	h.subs = nil
	if !on {
		return
	}
	app := h.Current.Name
	for _, t := range h.Current.Configuration.Triggers {
		s, err := d.client.Subscribe(t.Topic, exchange.SubscribeOptions{}, func(m exchange.Message) { d.enqueue(job{app, t, m}) })
		if err != nil {
			d.note(app, "error", fmt.Sprintf("the trigger on %s has no effect: %v", t.Topic, err))
			continue
		}
		h.subs = append(h.subs, s)
	}
}

// enqueue keeps an event until the board takes it; of too many the oldest is dropped.
func (d *Device) enqueue(j job) {
	for {
		select {
		case d.queue <- j:
			return
		default:
		}
		select {
		case old := <-d.queue:
			d.counts.add(old.app, func(a *spec.ApplicationSample) { a.Dropped++ })
			d.mu.Lock()
			d.dropped++
			n := d.dropped
			d.mu.Unlock()
			if n&(n-1) == 0 { // the first, second, fourth, …
				d.note(old.app, "warning", fmt.Sprintf("%d events were dropped: %d wait for the board already", n, queued))
			}
		default:
		}
	}
}

// runJobs carries out events one after the other.
func (d *Device) runJobs(ctx context.Context) {
	for {
		select {
		case j := <-d.queue:
			d.runJob(ctx, j)
		case <-ctx.Done():
			return
		}
	}
}

func (d *Device) runJob(ctx context.Context, j job) {
	b, err := d.present(ctx)
	if err != nil {
		return
	}
	d.mu.Lock()
	h := d.held[j.app]
	running := h != nil && h.State == spec.Running
	var timeout time.Duration
	if running {
		timeout = time.Duration(h.Current.Configuration.Limits.Timeout)
	}
	d.mu.Unlock()
	if !running {
		return
	}
	result, err := d.call(ctx, b, j.app, string(j.message.Topic), j.message.Payload, timeout)
	var exception *exchange.HandlerError
	switch {
	case errors.As(err, &exception):
		d.note(j.app, "error", exception.Error())
	case fail.Is(err, fail.Unavailable):
		d.note(j.app, "warning", "the board went away while it handled an event of "+string(j.message.Topic))
	case err != nil:
		d.note(j.app, "error", err.Error())
	case j.trigger.Reply != "" && len(result) > 0:
		if err := d.client.Publish(j.trigger.Reply, result); err != nil {
			d.note(j.app, "error", fmt.Sprintf("what the handler returned was not published: %v", err))
		}
	}
}
