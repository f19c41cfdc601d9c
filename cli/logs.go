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
	var since, until string
	var times bool
	c := &cobra.Command{
		Use:   "logs NAME",
		Short: "Show an application's output",
		Example: `  fescue logs hello
  fescue logs -f --tail 0 hello
  fescue logs hello --since 10m
  fescue logs hello --since 08:30 --until 08:45 --tail -1`,
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
			if o.Since, err = moment("--since", since); err != nil {
				return err
			}
			if o.Until, err = moment("--until", until); err != nil {
				return err
			}
			if follow && until != "" {
				return usageError{fmt.Errorf("what is followed has no end: leave out -f or --until")}
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
	f.StringVar(&since, "since", "", "only lines from then on: 10m ago, or a time (2026-03-01T08:30, 08:30)")
	f.StringVar(&until, "until", "", "only lines before then, likewise")
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

// moment reads a flag's point of time: how long ago it is, or the time itself, in this
// machine's zone where it names none; "" is zero.
func moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return time.Now().Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil { // today
			year, month, day := time.Now().Date()
			return time.Date(year, month, day, t.Hour(), t.Minute(), t.Second(), 0, time.Local), nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("%s: %q is no time: write 10m, 08:30 or 2026-03-01T08:30", flag, text)}
}
