package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

type deployOptions struct {
	file    string
	devices []string
	noWait  bool
	timeout time.Duration
}

func (s *session) deployCommand() *cobra.Command {
	var o deployOptions
	c := &cobra.Command{
		Use:   "deploy DIRECTORY | NAME[@VERSION]",
		Short: "Send an application and watch it come up",
		Long: `Pack a directory, store it with its configuration, and deploy it; or deploy a
version that is stored already. Each step is shown as the device reports it. The
exit status is 0 if the application runs, 1 if it failed, in which case the version
that ran before goes on running.`,
		Example: `  fescue deploy ./hello
  fescue deploy ./roots -f roots/server.yaml
  fescue deploy hello@0.1.0 --device kitchen-pi`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			return s.deploy(c.Context(), a[0], o)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.file, "file", "f", "", "the configuration (default: fescue.yaml in the directory)")
	f.StringSliceVar(&o.devices, "device", nil, "devices to deploy to (default: the only one)")
	f.BoolVar(&o.noWait, "no-wait", false, "return once the deployment is queued")
	f.DurationVar(&o.timeout, "timeout", 15*time.Minute, "how long to wait")
	return c
}

func (s *session) deploy(ctx context.Context, what string, o deployOptions) error {
	api, err := s.client()
	if err != nil {
		return err
	}
	name, version, err := s.resolve(ctx, api, what, o.file)
	if err != nil {
		return err
	}
	deployment, err := api.Deploy(ctx, client.DeployRequest{Name: name, Version: version, Devices: deviceIDs(o.devices)})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Stderr, "deployment %d: %s %s\n", deployment.ID, deployment.Name, deployment.Version)
	if o.noWait {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, errWaited)
	defer cancel()
	return s.watch(ctx, api, deployment)
}

var errWaited = fail.New(fail.Timeout, "wait for the deployment", "it is still under way").
	WithHint("it goes on without this command: 'fescue get deployments' tells how it ended, 'fescue cancel' ends it")

// resolve is the stored version that the argument names, storing it first if
// the argument is a directory.
func (s *session) resolve(ctx context.Context, api *client.Client, what, file string) (spec.Name, spec.Version, error) {
	if !isPath(what) {
		return splitVersion(what)
	}
	if file == "" {
		file = filepath.Join(what, "fescue.yaml")
	}
	text, err := readConfiguration(file)
	if err != nil {
		return "", "", err
	}
	if _, err := spec.Decode(file, text); err != nil {
		return "", "", err // before anything is sent
	}
	stored, err := sendArtifact(ctx, api, what)
	if err != nil {
		return "", "", err
	}
	version, err := sendConfiguration(ctx, api, file, stored.Digest)
	return version.Name, version.Version, err
}

// watch shows the deployment's events until it is final.
func (s *session) watch(ctx context.Context, api *client.Client, d spec.Deployment) error {
	p := newProgress(s.Stderr)
	var failure *spec.Event
	err := api.DeploymentEvents(ctx, d.ID, func(e spec.Event) error {
		if e.Kind == spec.EventDeployment && spec.DeploymentStatus(e.Status) == spec.DeploymentFailed {
			failure = &e
		}
		p.event(e)
		return nil
	})
	p.finish()
	if cause := context.Cause(ctx); cause != nil && fail.Is(cause, fail.Timeout) {
		return cause
	}
	if err != nil {
		return quietCancel(ctx, err)
	}
	d, err = api.Deployment(ctx, d.ID)
	if err != nil {
		return err
	}
	return s.conclude(d, failure)
}

// conclude tells the outcome; only success is no error.
func (s *session) conclude(d spec.Deployment, failure *spec.Event) error {
	if d.Status == spec.DeploymentSucceeded {
		fmt.Fprintf(s.Stdout, "%s %s is up\n", d.Name, d.Version)
		return nil
	}
	fmt.Fprintf(s.Stderr, "%s %s: deployment %s\n", d.Name, d.Version, d.Status)
	for _, device := range d.Devices {
		if device.Message != "" {
			fmt.Fprintf(s.Stderr, "  on %s, at %s: %s\n", device.Device, device.Step, device.Message)
		}
	}
	if failure != nil {
		if failure.Hint != "" {
			fmt.Fprintf(s.Stderr, "  hint: %s\n", failure.Hint)
		}
		if len(failure.LastLogs) > 0 {
			fmt.Fprintln(s.Stderr, "  last output:")
			for _, line := range failure.LastLogs {
				fmt.Fprintf(s.Stderr, "    %s\n", line)
			}
		}
	}
	return errReported
}
