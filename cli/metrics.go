package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/spec"
)

func (s *session) metricsCommand() *cobra.Command {
	var device string
	var since, step time.Duration
	c := &cobra.Command{
		Use:   "metrics [NAME]",
		Short: "Tell how a device or an application went over a time",
		Long: `Show figures of the last hour, or of another time: with NAME those of an application (calls,
errors, how long handlers took, messages, memory), without those of the devices.

The last hour is known by 10 seconds, the last day by the minute, 30 days by the quarter of an
hour. Prometheus is given the same and more: see fescue up --metrics.`,
		Example: `  fescue metrics
  fescue metrics polynomial --since 24h --step 1h
  fescue metrics --device attic -o json`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			api, err := s.client()
			if err != nil {
				return err
			}
			span := client.Span{From: time.Now().Add(-since), Step: step}
			if step == 0 {
				span.Step = max((since / 12).Round(10*time.Second), 10*time.Second)
			}
			if len(a) == 0 {
				return s.deviceMetrics(c.Context(), api, spec.DeviceID(device), span)
			}
			name, err := spec.ParseName(a[0])
			if err != nil {
				return err
			}
			return s.applicationMetrics(c.Context(), api, name, spec.DeviceID(device), span)
		},
	}
	f := c.Flags()
	f.StringVar(&device, "device", "", "the device (default: all together)")
	f.DurationVar(&since, "since", time.Hour, "how far back (30m, 24h, 720h)")
	f.DurationVar(&step, "step", 0, "how far apart the lines are (default: twelve of them)")
	s.formatFlag(c)
	return c
}

const noMetrics = "nothing is known of that time: devices tell of themselves each minute"

func (s *session) deviceMetrics(ctx context.Context, api *client.Client, device spec.DeviceID, span client.Span) error {
	h, err := api.DeviceMetrics(ctx, device, span)
	if err != nil {
		return err
	}
	t := table{columns: []string{"UNTIL", "CPU", "MEMORY", "DISK", "MESSAGES/S", "CALLS/S", "ERRORS/S"}, empty: noMetrics}
	for _, p := range h.Points {
		t.add(clock(p.Time, span), percent(p.CPU), of(p.Memory, p.MemoryTotal), of(p.Disk, p.DiskTotal), rate(p.Messages), rate(p.Calls), rate(p.Errors))
	}
	return s.print(h, t)
}

func (s *session) applicationMetrics(ctx context.Context, api *client.Client, name spec.Name, device spec.DeviceID, span client.Span) error {
	h, err := api.ApplicationMetrics(ctx, name, device, span)
	if err != nil {
		return err
	}
	t := table{columns: []string{"UNTIL", "CALLS/S", "ERRORS/S", "P50", "P99", "IN/S", "OUT/S", "DROPPED/S", "CPU", "MEMORY", "WORKERS"}, empty: noMetrics}
	for _, p := range h.Points {
		t.add(clock(p.Time, span), rate(p.Calls), rate(p.Errors+p.Timeouts+p.Refused), latency(p.P50), latency(p.P99), rate(p.In), rate(p.Out), rate(p.Dropped),
			percent(p.CPU), size(p.Memory), fmt.Sprint(p.Workers))
	}
	return s.print(h, t)
}

// clock is a time of the span, with its day where it has several.
func clock(t time.Time, span client.Span) string {
	if time.Since(span.From) > 24*time.Hour {
		return t.Local().Format("Jan 2 15:04")
	}
	return t.Local().Format("15:04:05")
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

func of(used, total int64) string {
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s", size(used), size(total))
}

func rate(perSecond float64) string {
	switch {
	case perSecond == 0:
		return "0"
	case perSecond < 10:
		return fmt.Sprintf("%.2g", perSecond)
	}
	return fmt.Sprintf("%.0f", perSecond)
}

func latency(seconds float64) string {
	if seconds == 0 {
		return ""
	}
	d := time.Duration(seconds * float64(time.Second))
	if d > time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
