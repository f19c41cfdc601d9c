package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/spec"
)

func (s *session) statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "status",
		Short:   "Tell how server, devices and applications are",
		Example: "  fescue status",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			api, err := s.client()
			if err != nil {
				return err
			}
			server, err := api.Server(c.Context())
			if err != nil {
				return err
			}
			devices, err := api.Devices(c.Context())
			if err != nil {
				return err
			}
			applications, err := api.Applications(c.Context())
			if err != nil {
				return err
			}
			if s.format != "table" {
				return s.print(map[string]any{"server": server, "devices": devices, "applications": applications}, table{})
			}
			fmt.Fprintf(s.Stdout, "server  %s, version %s, database %s\n", api.BaseURL(), server.Version, server.Database)
			for _, d := range devices {
				fmt.Fprintf(s.Stdout, "device  %s, %s, %s%s\n", d.ID, d.Platform, connection(d), gateway(d))
			}
			fmt.Fprintln(s.Stdout)
			return s.print(applications, applicationTable(applications...))
		},
	}
	s.formatFlag(c)
	return c
}

func connection(d spec.Device) string {
	if d.Connected {
		return "connected"
	}
	return "not connected, last seen " + ago(d.LastSeenAt) + " ago"
}

// gateway is where the device's functions answer HTTP.
func gateway(d spec.Device) string {
	if url := d.Facts["gateway"]; url != "" {
		return ", HTTP at " + url
	}
	return ""
}

// announce tells, once the API answers, where it is.
func (s *session) announce(url, state string) {
	fmt.Fprintf(s.Stdout, "fescue %s is up\n  console  %s\n  API docs %s/docs\n  state    %s\n", s.Version, url, url, state)
}
