package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/spec"
)

func (s *session) logsCommand() *cobra.Command {
	var follow bool
	var o client.LogOptions
	var since time.Duration
	var times bool
	c := &cobra.Command{
		Use:   "logs NAME",
		Short: "Show an application's output",
		Example: `  fescue logs hello
  fescue logs -f --tail 0 hello
  fescue logs hello --since 10m`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			name, err := spec.ParseName(a[0])
			if err != nil {
				return err
			}
			api, err := s.client()
			if err != nil {
				return err
			}
			if since > 0 {
				o.Since = time.Now().Add(-since)
			}
			show := func(l spec.LogLine) error { return s.printLog(l, times) }
			if follow {
				return quietCancel(c.Context(), api.FollowLogs(c.Context(), name, o, show))
			}
			lines, err := api.Logs(c.Context(), name, o)
			if err != nil {
				return err
			}
			for _, l := range lines {
				if err := show(l); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := c.Flags()
	f.BoolVarP(&follow, "follow", "f", false, "go on showing lines as they come")
	f.IntVar(&o.Tail, "tail", 100, "how many past lines to show")
	f.DurationVar(&since, "since", 0, "only lines younger than this (10m, 2h)")
	f.StringVar((*string)(&o.Device), "device", "", "the device (default: the only one that has the application)")
	f.BoolVarP(&times, "times", "t", false, "with time and stream")
	s.formatFlag(c)
	return c
}

func (s *session) printLog(l spec.LogLine, times bool) error {
	if s.format == "json" {
		return s.printLine(l)
	}
	w := s.Stdout
	if l.Stream == spec.StreamErr || l.Stream == spec.StreamEngine {
		w = s.Stderr // as the application wrote it
	}
	if times {
		_, err := fmt.Fprintf(w, "%s %s %s\n", l.Time.Local().Format("2006-01-02 15:04:05.000"), l.Stream, l.Text)
		return err
	}
	_, err := fmt.Fprintln(w, l.Text)
	return err
}
