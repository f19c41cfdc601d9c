package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

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

func (s *session) tailCommand() *cobra.Command {
	var device string
	var count int
	var as string
	c := &cobra.Command{
		Use:   "tail FILTER",
		Short: "Show messages as they are published",
		Example: `  fescue tail 'poly/#'
  fescue tail 'sensors/+/temperature' --count 10 -o json`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			filter, err := spec.ParseFilter(a[0])
			if err != nil {
				return err
			}
			api, id, err := s.clientAndDevice(c.Context(), device)
			if err != nil {
				return err
			}
			seen := 0
			err = api.Tail(c.Context(), id, filter, func(m spec.Message) error {
				if err := s.printMessage(m, as); err != nil {
					return err
				}
				if seen++; seen == count {
					return errEnough
				}
				return nil
			})
			if errors.Is(err, errEnough) {
				return nil
			}
			return quietCancel(c.Context(), err)
		},
	}
	f := c.Flags()
	f.StringVar(&device, "device", "", "the device (default: the only one)")
	f.IntVarP(&count, "count", "n", 0, "end after this many messages")
	f.StringVar(&as, "as", "auto", "how to show payloads: auto, text or hex")
	s.formatFlag(c)
	return c
}

var errEnough = errors.New("enough messages")

func (s *session) printMessage(m spec.Message, as string) error {
	if s.format == "json" {
		return s.printLine(m)
	}
	text := string(m.Payload)
	if as == "hex" || as == "auto" && !utf8.Valid(m.Payload) {
		text = hex.EncodeToString(m.Payload)
	}
	from := ""
	if m.From != "" {
		from = "  (" + m.From + ")"
	}
	_, err := fmt.Fprintf(s.Stdout, "%s  %s%s  %s\n", m.Time.Local().Format("15:04:05.000"), m.Topic, from, oneLine(text))
	return err
}

// oneLine keeps a message on its line, and its control characters from the terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, text)
}

// printLine writes a record as one line of JSON.
func (s *session) printLine(record any) error { return json.NewEncoder(s.Stdout).Encode(record) }

func (s *session) topicsCommand() *cobra.Command {
	var device string
	c := &cobra.Command{
		Use:     "topics",
		Short:   "Tell who publishes and subscribes what",
		Example: "  fescue topics",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			api, id, err := s.clientAndDevice(c.Context(), device)
			if err != nil {
				return err
			}
			topics, err := api.Topics(c.Context(), id)
			t := table{columns: []string{"TOPIC", "PUBLISHERS", "SUBSCRIBERS", "MESSAGES"}, empty: "nobody publishes or subscribes"}
			for _, at := range topics {
				t.add(string(at.Topic), fmt.Sprint(at.Publishers), fmt.Sprint(at.Subscribers), fmt.Sprint(at.Messages))
			}
			return s.printList(topics, t, err)
		},
	}
	c.Flags().StringVar(&device, "device", "", "the device (default: the only one)")
	s.formatFlag(c)
	return c
}
