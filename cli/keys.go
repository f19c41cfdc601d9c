package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/spec"
)

func (s *session) keysCommand() *cobra.Command {
	var device, prefix string
	c := &cobra.Command{
		Use:   "state NAME",
		Short: "List, read and change the keys of an application's state",
		Long: `List the keys that an application keeps on a device, read one, write one or delete it.

The application hears of changes as of its own: a watch tells them. Compare-and-set in its code
sees that the revision has risen.`,
		Example: `  fescue state thermostat
  fescue state get thermostat target
  fescue state put thermostat target 21.5
  fescue state delete thermostat target`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			return s.onState(a[0], func(api *client.Client, app spec.Name) error {
				keys, err := api.State(c.Context(), app, spec.DeviceID(device), prefix)
				t := table{columns: []string{"KEY", "SIZE", "REVISION", "CHANGED", "EXPIRES"}, empty: "it keeps no keys"}
				for _, k := range keys {
					t.add(k.Key, size(k.Size), fmt.Sprint(k.Revision), ago(k.Time)+" ago", until(k.Expires))
				}
				return s.printList(keys, t, err)
			})
		},
	}
	c.PersistentFlags().StringVar(&device, "device", "", "the device (default: the only one that has the application)")
	c.Flags().StringVar(&prefix, "prefix", "", "only keys that begin with this")
	s.formatFlag(c)
	c.AddCommand(s.getKeyCommand(&device), s.putKeyCommand(&device), s.deleteKeyCommand(&device))
	return c
}

func (s *session) onState(name string, do func(*client.Client, spec.Name) error) error {
	app, err := spec.ParseName(name)
	if err != nil {
		return err
	}
	api, err := s.client()
	if err != nil {
		return err
	}
	return do(api, app)
}

func (s *session) getKeyCommand(device *string) *cobra.Command {
	c := s.keyCommand("get NAME KEY", "Print what a key holds", 2, func(ctx context.Context, api *client.Client, app spec.Name, a []string) error {
		v, err := api.StateValue(ctx, app, spec.DeviceID(*device), a[1])
		if err != nil || s.format != "table" {
			return s.printList(v, table{}, err)
		}
		return s.printPayload(v.Value)
	})
	s.formatFlag(c)
	return c
}

func (s *session) putKeyCommand(device *string) *cobra.Command {
	var ttl time.Duration
	c := s.keyCommand("put NAME KEY VALUE", "Write a key; @file and @- are a file and standard input", 3, func(ctx context.Context, api *client.Client, app spec.Name, a []string) error {
		value, err := s.payload(a[2])
		if err != nil {
			return err
		}
		_, err = api.PutState(ctx, app, spec.DeviceID(*device), a[1], value, ttl)
		return err
	})
	c.Flags().DurationVar(&ttl, "ttl", 0, "how long it is kept (default: for ever)")
	return c
}

func (s *session) deleteKeyCommand(device *string) *cobra.Command {
	return s.keyCommand("delete NAME KEY", "Delete a key", 2, func(ctx context.Context, api *client.Client, app spec.Name, a []string) error {
		return api.DeleteState(ctx, app, spec.DeviceID(*device), a[1])
	})
}

func (s *session) keyCommand(use, short string, n int, do func(context.Context, *client.Client, spec.Name, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args(cobra.ExactArgs(n)), RunE: func(c *cobra.Command, a []string) error {
		return s.onState(a[0], func(api *client.Client, app spec.Name) error { return do(c.Context(), api, app, a) })
	}}
}
