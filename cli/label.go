package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/spec"
)

func (s *session) labelCommand() *cobra.Command {
	c := &cobra.Command{Use: "label", Short: "Change the labels of a device"}
	device := &cobra.Command{
		Use:   "device NAME LABEL=VALUE|LABEL-…",
		Short: "Set labels of a device, and remove those that end with a dash",
		Long: `Set labels of a device, and remove those that are written with a dash at their end.

They stay, whatever labels the agent is started with (fescue up --label).`,
		Example: `  fescue label device attic room=attic floor=3
  fescue label device attic floor-`,
		Args: args(cobra.MinimumNArgs(2)),
		RunE: func(c *cobra.Command, a []string) error {
			changes, err := labelChanges(a[1:])
			if err != nil {
				return err
			}
			api, err := s.client()
			if err != nil {
				return err
			}
			d, err := api.LabelDevice(c.Context(), spec.DeviceID(a[0]), changes)
			if err != nil {
				return err
			}
			t := table{columns: []string{"LABEL", "VALUE"}, empty: "it has no labels"}
			for _, name := range sortedKeys(d.Labels) {
				t.add(name, d.Labels[name])
			}
			return s.print(d, t)
		},
	}
	s.formatFlag(device)
	c.AddCommand(device)
	return c
}

func labelChanges(words []string) (map[string]*string, error) {
	changes := map[string]*string{}
	for _, w := range words {
		name, value, sets := strings.Cut(w, "=")
		if !sets {
			var removes bool
			if name, removes = strings.CutSuffix(w, "-"); !removes {
				return nil, usageError{fmt.Errorf("%q: write label=value to set one, label- to remove it", w)}
			}
			changes[name] = nil
			continue
		}
		changes[name] = &value
	}
	return changes, nil
}
