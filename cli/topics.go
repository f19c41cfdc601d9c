package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/spec"
)

func (s *session) pubCommand() *cobra.Command {
	var device string
	c := &cobra.Command{
		Use:   "pub TOPIC PAYLOAD",
		Short: "Publish a message on a topic of a device",
		Example: `  fescue pub poly/request '{"id": 1, "coefficients": [1, -3, 2]}'
  fescue pub camera/image @photo.jpg`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, a []string) error {
			topic, err := spec.ParseTopic(a[0])
			if err != nil {
				return err
			}
			payload, err := s.payload(a[1])
			if err != nil {
				return err
			}
			api, id, err := s.clientAndDevice(c.Context(), device)
			if err != nil {
				return err
			}
			return api.Publish(c.Context(), id, topic, payload)
		},
	}
	c.Flags().StringVar(&device, "device", "", "the device (default: the only one)")
	return c
}

// clientAndDevice is a client, and the device that is named or the only one.
func (s *session) clientAndDevice(ctx context.Context, name string) (*client.Client, spec.DeviceID, error) {
	api, err := s.client()
	if err != nil || name != "" {
		return api, spec.DeviceID(name), err
	}
	devices, err := api.Devices(ctx)
	if err != nil {
		return nil, "", err
	}
	if len(devices) != 1 {
		return nil, "", usageError{fmt.Errorf("there are %d devices: name one with --device", len(devices))}
	}
	return api, devices[0].ID, nil
}

func (s *session) topicsCommand() *cobra.Command {
	var device string
	var rates, denied bool
	c := &cobra.Command{
		Use:   "topics",
		Short: "Tell who publishes and subscribes what, how often, and what was denied",
		Long: `List the topics in use on a device: who publishes, who subscribes, how many messages,
and the last one.

Publishers and subscribers are applications; @nats is a client of MQTT or NATS, @agent
somebody at the API. With --rates the device is watched for a while, and messages a
second are shown; what clients of MQTT send each other is known only by that.`,
		Example: `  fescue topics
  fescue topics --rates
  fescue topics --denied          # who wanted what and may not`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			api, id, err := s.clientAndDevice(c.Context(), device)
			switch {
			case err != nil:
				return err
			case denied:
				return s.printDenied(c.Context(), api, id)
			case rates:
				return s.printRates(c.Context(), api, id)
			}
			topics, err := api.Topics(c.Context(), id)
			t := table{columns: []string{"TOPIC", "PUBLISHED BY", "SUBSCRIBED BY", "MESSAGES", "LAST", "MESSAGE"}, empty: "nobody publishes or subscribes"}
			for _, at := range topics {
				t.add(string(at.Topic), some(at.PublishedBy), some(at.SubscribedBy), fmt.Sprint(at.Messages), ago(at.LastAt), lastOf(at))
			}
			return s.printList(topics, t, err)
		},
	}
	f := c.Flags()
	f.StringVar(&device, "device", "", "the device (default: the only one)")
	f.BoolVar(&rates, "rates", false, "watch for two seconds: messages a second")
	f.BoolVar(&denied, "denied", false, "show what was denied instead")
	s.formatFlag(c)
	return c
}

// lastOf is the last message, as far as the device remembers it and a line has room.
func lastOf(at client.TopicInfo) string {
	text := oneLine(payloadText(at.Last, "auto"))
	if at.LastSize > len(at.Last) {
		text += "…"
	}
	return clip(text, 60)
}

func some(names []string) string {
	if len(names) == 0 {
		return "–"
	}
	return strings.Join(names, " ")
}

func (s *session) printDenied(ctx context.Context, api *client.Client, id spec.DeviceID) error {
	denied, err := api.Denied(ctx, id)
	t := table{columns: []string{"WHO", "WANTED TO", "TOPIC", "TIMES", "LAST"}, empty: "nothing was denied"}
	for _, d := range denied {
		who := d.Who
		if d.Credential {
			who += " (credential)"
		}
		t.add(who, d.Kind, d.Topic, fmt.Sprint(d.Count), ago(d.Last))
	}
	return s.printList(denied, t, err)
}

// rateWindow is how long --rates watches.
const rateWindow = 2 * time.Second

// rated is a topic with what was seen of it.
type rated struct {
	client.TopicInfo
	Rate     float64 `json:"rate"` // messages a second
	LastText string  `json:"lastText,omitempty"`
}

// heard is what was heard of a topic while the device was watched.
type heard struct {
	count uint64
	from  []string
	last  string
}

// listen hears the device's messages for a while.
func listen(ctx context.Context, api *client.Client, id spec.DeviceID) (map[spec.Topic]*heard, error) {
	topics := map[spec.Topic]*heard{}
	watching, stop := context.WithTimeout(ctx, rateWindow)
	defer stop()
	err := api.Tail(watching, id, "#", func(m spec.Message) error {
		h := topics[m.Topic]
		if h == nil {
			h = &heard{}
			topics[m.Topic] = h
		}
		h.count++
		h.last = oneLine(payloadText(m.Payload, "auto"))
		if m.From != "" && !slices.Contains(h.from, m.From) {
			h.from = append(h.from, m.From)
		}
		return nil
	})
	if watching.Err() != nil {
		err = nil
	}
	return topics, err
}

// printRates watches the device between two looks at its counters. Those know what
// applications publish or somebody subscribes to; what clients of MQTT and NATS publish
// besides is known by hearing it.
func (s *session) printRates(ctx context.Context, api *client.Client, id spec.DeviceID) error {
	before, err := api.Topics(ctx, id)
	if err != nil {
		return err
	}
	start := time.Now()
	topics, err := listen(ctx, api, id)
	if err != nil {
		return err
	}
	after, err := api.Topics(ctx, id)
	seconds := time.Since(start).Seconds()
	counts := map[spec.Topic]uint64{}
	for _, t := range before {
		counts[t.Topic] = t.Messages
	}
	list := make([]rated, 0, len(after))
	for _, at := range after {
		r := rated{TopicInfo: at, Rate: float64(at.Messages-min(at.Messages, counts[at.Topic])) / seconds, LastText: lastOf(at)}
		if h := topics[at.Topic]; h != nil {
			r.merge(h, seconds)
			delete(topics, at.Topic)
		}
		list = append(list, r)
	}
	for topic, h := range topics {
		r := rated{TopicInfo: client.TopicInfo{Topic: topic}}
		r.merge(h, seconds)
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b rated) int { return strings.Compare(string(a.Topic), string(b.Topic)) })
	t := table{columns: []string{"TOPIC", "PUBLISHED BY", "SUBSCRIBED BY", "MESSAGES", "PER SECOND", "LAST"}, empty: "nobody publishes or subscribes"}
	for _, r := range list {
		t.add(string(r.Topic), some(r.PublishedBy), some(r.SubscribedBy), fmt.Sprint(r.Messages), fmt.Sprintf("%.1f", r.Rate), r.LastText)
	}
	return s.printList(list, t, err)
}

// merge adds what was heard.
func (r *rated) merge(h *heard, seconds float64) {
	r.LastText = clip(h.last, 60)
	r.Rate = max(r.Rate, float64(h.count)/seconds)
	r.Messages = max(r.Messages, h.count)
	for _, from := range h.from {
		if !slices.Contains(r.PublishedBy, from) {
			r.PublishedBy = append(r.PublishedBy, from)
		}
	}
}

func clip(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}
