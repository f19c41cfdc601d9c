package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/spec"
)

func (s *session) tailCommand() *cobra.Command {
	var device string
	var count int
	var as, where string
	var rate bool
	c := &cobra.Command{
		Use:   "tail FILTER",
		Short: "Show messages as they are published",
		Example: `  fescue tail 'poly/#'
  fescue tail 'sensors/+/temperature' --count 10 -o json
  fescue tail '#' --as json --grep error
  fescue tail 'sensors/#' --rate              # messages and bytes a second, by topic`,
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
			if as != "auto" && as != "text" && as != "hex" && as != "json" {
				return usageError{fmt.Errorf("--as is auto, text, json or hex, not %q", as)}
			}
			seen, meter := 0, meter{s: s}
			err = api.Tail(c.Context(), id, filter, func(m spec.Message) error {
				if where != "" && !bytes.Contains(m.Payload, []byte(where)) {
					return nil
				}
				if rate {
					return meter.note(m)
				}
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
	f.StringVar(&as, "as", "auto", "how to show payloads: auto, text, json (indented) or hex")
	f.StringVar(&where, "grep", "", "only messages whose payload contains this")
	f.BoolVar(&rate, "rate", false, "instead of messages, a line each second for every topic")
	s.formatFlag(c)
	return c
}

var errEnough = errors.New("enough messages")

func (s *session) printMessage(m spec.Message, as string) error {
	if s.format == "json" {
		return s.printLine(m)
	}
	text := payloadText(m.Payload, as)
	if as != "json" {
		text = oneLine(text)
	}
	from := ""
	if m.From != "" {
		from = "  (" + m.From + ")"
	}
	_, err := fmt.Fprintf(s.Stdout, "%s  %s%s  %s\n", m.Time.Local().Format("15:04:05.000"), m.Topic, from, text)
	return err
}

// payloadText shows a payload: what is no text in hexadecimal.
func payloadText(payload []byte, as string) string {
	switch {
	case as == "hex", !utf8.Valid(payload):
		return hex.EncodeToString(payload)
	case as == "json":
		var out bytes.Buffer
		if json.Indent(&out, payload, "", "  ") == nil {
			return "\n" + out.String()
		}
	}
	return string(payload)
}

// meter counts messages and tells of them each second.
type meter struct {
	s      *session
	since  time.Time
	counts map[spec.Topic]traffic
}

type traffic struct{ messages, bytes int }

func (m *meter) note(message spec.Message) error {
	if m.counts == nil {
		m.counts, m.since = map[spec.Topic]traffic{}, time.Now()
	}
	t := m.counts[message.Topic]
	m.counts[message.Topic] = traffic{t.messages + 1, t.bytes + len(message.Payload)}
	passed := time.Since(m.since)
	if passed < time.Second {
		return nil
	}
	for _, topic := range slices.Sorted(maps.Keys(m.counts)) {
		t := m.counts[topic]
		_, err := fmt.Fprintf(m.s.Stdout, "%s  %s  %.1f/s  %s/s\n", time.Now().Format("15:04:05"), topic,
			float64(t.messages)/passed.Seconds(), size(int64(float64(t.bytes)/passed.Seconds())))
		if err != nil {
			return err
		}
	}
	m.counts = nil
	return nil
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
