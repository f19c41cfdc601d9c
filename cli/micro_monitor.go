package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// microKeys are the boards that are enrolled on this machine's gateway.
func (s *session) microKeys() micro.Keys {
	return micro.Keys{Dir: filepath.Join(s.stateDir(), "device", "micro")}
}

func (s *session) microMonitorCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "monitor [NAME | LINE]",
		Short: "Show live what goes over microcontrollers' lines: frames, logs, messages",
		Long: `Shows every frame with its time, way and size, and what a board prints between packets. Without an
argument, or with a board's name, it asks the gateway that runs on this machine. With a line it is
the gateway itself, for lines that no other program uses.`,
		Example: `  fescue micro monitor
  fescue micro monitor shed
  fescue micro monitor serial:/dev/ttyUSB0`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			show := func(seen micro.Seen) error { return s.showSeen(seen, asJSON) }
			if len(a) > 0 && strings.Contains(a[0], ":") {
				return s.monitorLine(c.Context(), a[0], show)
			}
			return micro.Follow(c.Context(), micro.MonitorSocket(s.microKeys().Dir), func(seen micro.Seen) error {
				if len(a) > 0 && string(seen.Device) != a[0] && seen.Device != "" {
					return nil
				}
				return show(seen)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print records, one a line")
	return c
}

// monitorLine is the gateway of a line, and only looks on.
func (s *session) monitorLine(ctx context.Context, line string, show func(micro.Seen) error) error {
	tell := func(seen micro.Seen) { _ = show(seen) } // an output that is closed ends the command elsewhere
	return micro.Meeting{
		Line: line, Keys: s.microKeys().List(), Gateway: "monitor",
		Events: micro.Events{
			Publish: func(spec.Name, spec.Topic, []byte) {}, Log: func(spec.Name, uint32, string) {}, Returned: func(spec.Name) {}, Frame: tell,
		},
		Console: func(text string) { tell(micro.Seen{Frame: "console", Text: text}) },
		Trouble: func(err error) { fmt.Fprintf(s.Stderr, "%v\n", err) },
	}.Run(ctx, func(ctx context.Context, b *micro.Board) (bool, error) {
		tell(micro.Seen{Device: spec.DeviceID(b.Facts.ID), Frame: "connected", Text: string(b.Facts.Platform)})
		select {
		case <-b.Done():
			tell(micro.Seen{Device: spec.DeviceID(b.Facts.ID), Frame: "gone"})
		case <-ctx.Done():
		}
		return false, nil
	})
}

func (s *session) showSeen(seen micro.Seen, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(s.Stdout).Encode(seen)
	}
	way := "<"
	if seen.Sent {
		way = ">"
	}
	at := ""
	if !seen.Time.IsZero() {
		at = seen.Time.Local().Format("15:04:05.000")
	}
	_, err := fmt.Fprintf(s.Stdout, "%-12s %-10s %s %-10s %4d %5d  %s\n", at, seen.Device, way, seen.Frame, seen.ID, seen.Size, seen.Text)
	return fail.Wrap(err, fail.Internal, "show frame", "")
}
