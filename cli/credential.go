package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/spec"
)

func (s *session) createCredentialCommand() *cobra.Command {
	var subscribe, publish []string
	var device string
	c := &cobra.Command{
		Use:   "credential NAME",
		Short: "Make a login for a sensor, Node-RED or a script that connects by MQTT or NATS",
		Long: `Make a login for a client that is no application, with the topics it may use.

The user name is NAME. The password is shown this once and stored nowhere: who loses it
deletes the credential and makes another. The command returns when the devices that are
connected have it. They must have been started with --mqtt, --nats or --websocket.
Deleting a credential disconnects who uses it.`,
		Example: `  fescue create credential kitchen-sensor --publish 'sensors/kitchen/#'
  fescue create credential node-red --publish '#' --subscribe '#' --device gateway
  mosquitto_pub -u kitchen-sensor -P … -t sensors/kitchen/temperature -m 21.5`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			api, err := s.client()
			if err != nil {
				return err
			}
			want := spec.Credential{Name: spec.Name(a[0]), Device: spec.DeviceID(device), Subscribe: filters(subscribe), Publish: filters(publish)}
			made, err := api.CreateCredential(c.Context(), want)
			if err != nil {
				return err
			}
			if len(made.Pending) > 0 {
				fmt.Fprintf(s.Stderr, "not there yet, they get it when they are connected: %s\n", names(made.Pending))
			}
			t := table{columns: []string{"USER", "PASSWORD"}}
			t.add(string(made.Credential.Name), made.Secret)
			return s.print(made, t)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&publish, "publish", nil, "topic filters it may publish to")
	f.StringSliceVar(&subscribe, "subscribe", nil, "topic filters it may subscribe to")
	f.StringVar(&device, "device", "", "the device it is good for (default: every device)")
	s.formatFlag(c)
	return c
}

func names(devices []spec.DeviceID) string {
	texts := make([]string, len(devices))
	for i, d := range devices {
		texts[i] = string(d)
	}
	return strings.Join(texts, ", ")
}

func filters(texts []string) []spec.Filter {
	var list []spec.Filter
	for _, t := range texts {
		list = append(list, spec.Filter(t))
	}
	return list
}

func (s *session) deleteCredentialCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "credential NAME",
		Short:   "Revoke a login of an MQTT or NATS client, and disconnect who uses it",
		Example: `  fescue delete credential kitchen-sensor`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			api, err := s.client()
			if err != nil {
				return err
			}
			if err := api.DeleteCredential(c.Context(), spec.Name(a[0])); err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.Stdout, "credential %s deleted\n", a[0])
			return err
		},
	}
}

func (s *session) getCredentials(ctx context.Context, api *client.Client) error {
	items, err := api.Credentials(ctx)
	t := table{columns: []string{"NAME", "DEVICE", "PUBLISH", "SUBSCRIBE", "AGE"}, empty: "no credentials: 'fescue create credential' makes one"}
	for _, c := range items {
		device := string(c.Device)
		if device == "" {
			device = "(every)"
		}
		t.add(string(c.Name), device, joined(c.Publish), joined(c.Subscribe), ago(c.CreatedAt))
	}
	return s.printList(items, t, err)
}

func joined(list []spec.Filter) string {
	texts := make([]string, len(list))
	for i, f := range list {
		texts[i] = string(f)
	}
	return strings.Join(texts, " ")
}
