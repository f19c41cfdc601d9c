package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// lifecycleWait bounds how long stop, start and delete wait for the devices.
const lifecycleWait = time.Minute

func (s *session) stopCommand() *cobra.Command {
	return s.lifecycle("stop NAME", "Stop an application; it stays stopped until started",
		func(ctx context.Context, api *client.Client, name spec.Name) error {
			_, err := api.StopApplication(ctx, name)
			return err
		}, func(a spec.Application) bool { return allIn(a, spec.Stopped) })
}

func (s *session) startCommand() *cobra.Command {
	return s.lifecycle("start NAME", "Start an application that was stopped",
		func(ctx context.Context, api *client.Client, name spec.Name) error {
			_, err := api.StartApplication(ctx, name)
			return err
		}, func(a spec.Application) bool { return allIn(a, spec.Running) })
}

func (s *session) deleteCommand() *cobra.Command {
	var versions bool
	c := s.lifecycle("delete NAME", "Take an application off its devices",
		func(ctx context.Context, api *client.Client, name spec.Name) error {
			return api.DeleteApplication(ctx, name, versions)
		}, func(a spec.Application) bool { return len(a.Placements) == 0 })
	c.AddCommand(s.deleteCredentialCommand(), s.deleteTokenCommand())
	c.Flags().BoolVar(&versions, "versions", false, "delete its stored versions too")
	return c
}

func allIn(a spec.Application, state spec.RunState) bool {
	for _, p := range a.Placements {
		if p.State != state {
			return false
		}
	}
	return true
}

// lifecycle is a command that asks for a change and waits until the devices
// have made it.
func (s *session) lifecycle(use, short string, ask func(context.Context, *client.Client, spec.Name) error, done func(spec.Application) bool) *cobra.Command {
	var noWait bool
	c := &cobra.Command{Use: use, Short: short, Args: args(cobra.ExactArgs(1)), RunE: func(c *cobra.Command, a []string) error {
		name, err := spec.ParseName(a[0])
		if err != nil {
			return err
		}
		api, err := s.client()
		if err != nil {
			return err
		}
		if err := ask(c.Context(), api, name); err != nil || noWait {
			return err
		}
		return awaitApplication(c.Context(), api, name, done)
	}}
	c.Example = fmt.Sprintf("  fescue %s hello", c.Name())
	c.Flags().BoolVar(&noWait, "no-wait", false, "return once the change is stored")
	return c
}

// awaitApplication polls until done; an application that is gone is done.
func awaitApplication(ctx context.Context, api *client.Client, name spec.Name, done func(spec.Application) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, lifecycleWait, fail.New(fail.Timeout, "wait for the devices", "not all have answered within %v", lifecycleWait).
		WithHint("the change is stored and made when they do: 'fescue get application %s' tells", name))
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		a, err := api.Application(ctx, name)
		switch {
		case fail.Is(err, fail.NotFound), err == nil && done(a):
			return nil
		case err != nil && ctx.Err() == nil:
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (s *session) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "cancel DEPLOYMENT",
		Short:   "Cancel a deployment that is under way",
		Example: "  fescue cancel 12",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			id, err := deploymentID(a[0])
			if err != nil {
				return err
			}
			api, err := s.client()
			if err != nil {
				return err
			}
			d, err := api.CancelDeployment(c.Context(), id)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.Stdout, "deployment %d: %s\n", d.ID, d.Status)
			return err
		},
	}
}
