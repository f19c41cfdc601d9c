package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/spec"
)

func (s *session) getCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "get",
		Short: "List or show what is stored and what runs",
		Example: `  fescue get applications
  fescue get configuration hello            # the text as it was sent
  fescue get deployments -o json`,
	}
	c.AddCommand(
		s.getOne("configuration NAME[@VERSION]", "Show a configuration as it was sent", s.getConfiguration),
		s.getList("configurations", "List stored configurations", s.getConfigurations),
		s.getList("artifacts", "List stored artifacts", s.getArtifacts),
		s.getList("applications", "List applications and how they are on each device", s.getApplications),
		s.getOne("application NAME", "Show an application on each device", s.getApplication),
		s.getList("deployments", "List deployments, newest first", s.getDeployments),
		s.getOne("deployment ID", "Show a deployment", s.getDeployment),
		s.getOne("events DEPLOYMENT", "Show every step of a deployment", s.getEvents),
		s.getList("credentials", "List the logins of MQTT and NATS clients", s.getCredentials),
		s.getList("tokens", "List the API tokens that were made", s.getTokens),
		s.getList("devices", "List devices", s.getDevices),
		s.getOne("device ID", "Show a device and what it says of itself", s.getDevice),
	)
	return c
}

// getList is a command without arguments, getOne one with a name.
func (s *session) getList(use, short string, run func(context.Context, *client.Client) error) *cobra.Command {
	return s.getOn(use, short, cobra.NoArgs, func(ctx context.Context, api *client.Client, _ []string) error { return run(ctx, api) })
}

func (s *session) getOne(use, short string, run func(context.Context, *client.Client, string) error) *cobra.Command {
	return s.getOn(use, short, cobra.ExactArgs(1), func(ctx context.Context, api *client.Client, a []string) error { return run(ctx, api, a[0]) })
}

func (s *session) getOn(use, short string, check cobra.PositionalArgs, run func(context.Context, *client.Client, []string) error) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: args(check), RunE: func(c *cobra.Command, a []string) error {
		api, err := s.client()
		if err != nil {
			return err
		}
		return run(c.Context(), api, a)
	}}
	s.formatFlag(c)
	return c
}

func (s *session) getConfiguration(ctx context.Context, api *client.Client, what string) error {
	name, version, err := splitVersion(what)
	if err != nil {
		return err
	}
	v, err := api.Configuration(ctx, name, version)
	if err != nil {
		return err
	}
	if s.format != "table" {
		return s.print(v, table{})
	}
	_, err = fmt.Fprint(s.Stdout, v.Text)
	return err
}

func (s *session) getConfigurations(ctx context.Context, api *client.Client) error {
	items, err := api.Configurations(ctx, "")
	t := table{columns: []string{"NAME", "VERSION", "RUNTIME", "ARTIFACT", "STATUS", "AGE"}, empty: "no configurations are stored"}
	for _, v := range items {
		t.add(string(v.Name), string(v.Version), string(v.Configuration.Runtime), short(string(v.Artifact)), string(v.Status), ago(v.CreatedAt))
	}
	return s.printList(items, t, err)
}

func (s *session) getArtifacts(ctx context.Context, api *client.Client) error {
	items, err := api.Artifacts(ctx)
	t := table{columns: []string{"DIGEST", "SIZE", "UNPACKED", "FILES", "AGE"}, empty: "no artifacts are stored"}
	for _, a := range items {
		t.add(string(a.Digest), size(a.Size), size(a.Unpacked), fmt.Sprint(a.Files), ago(a.CreatedAt))
	}
	return s.printList(items, t, err)
}

func (s *session) getApplications(ctx context.Context, api *client.Client) error {
	items, err := api.Applications(ctx)
	return s.printList(items, applicationTable(items...), err)
}

func (s *session) getApplication(ctx context.Context, api *client.Client, what string) error {
	name, err := spec.ParseName(what)
	if err != nil {
		return err
	}
	a, err := api.Application(ctx, name)
	if err != nil {
		return err
	}
	return s.print(a, applicationTable(a))
}

func applicationTable(items ...spec.Application) table {
	t := table{columns: []string{"NAME", "DEVICE", "DESIRED", "STATE", "VERSION", "AGE", "MESSAGE"}, empty: "no applications: 'fescue init python hello' writes one"}
	for _, a := range items {
		if len(a.Placements) == 0 {
			t.add(string(a.Name), "", "", "not deployed", string(a.Latest), ago(a.UpdatedAt), "")
		}
		for _, p := range a.Placements {
			version := string(p.Actual)
			if p.Actual != p.Version {
				version = strings.TrimPrefix(fmt.Sprintf("%s → %s", p.Actual, p.Version), " → ")
			}
			t.add(string(a.Name), string(p.Device), string(p.Desired), string(p.State), version, ago(p.UpdatedAt), p.Message)
		}
	}
	return t
}

func (s *session) getDeployments(ctx context.Context, api *client.Client) error {
	items, err := api.Deployments(ctx, "")
	return s.printList(items, deploymentTable(items...), err)
}

func (s *session) getDeployment(ctx context.Context, api *client.Client, what string) error {
	id, err := deploymentID(what)
	if err != nil {
		return err
	}
	d, err := api.Deployment(ctx, id)
	if err != nil {
		return err
	}
	return s.print(d, deploymentTable(d))
}

func deploymentTable(items ...spec.Deployment) table {
	t := table{columns: []string{"ID", "NAME", "VERSION", "STATUS", "DEVICE", "STEP", "AGE", "MESSAGE"}, empty: "no deployments yet"}
	for _, d := range items {
		for _, at := range d.Devices {
			t.add(fmt.Sprint(d.ID), string(d.Name), string(d.Version), string(at.Status), string(at.Device), string(at.Step), ago(d.CreatedAt), at.Message)
		}
	}
	return t
}

func (s *session) getEvents(ctx context.Context, api *client.Client, what string) error {
	id, err := deploymentID(what)
	if err != nil {
		return err
	}
	items, err := api.DeploymentHistory(ctx, id)
	t := table{columns: []string{"TIME", "DEVICE", "KIND", "STEP", "STATUS", "MESSAGE"}, empty: "nothing has been reported yet"}
	for _, e := range items {
		t.add(e.Time.Local().Format("15:04:05.000"), string(e.Device), string(e.Kind), string(e.Step), e.Status, e.Message)
	}
	return s.printList(items, t, err)
}

func (s *session) getDevices(ctx context.Context, api *client.Client) error {
	items, err := api.Devices(ctx)
	t := table{columns: []string{"ID", "PLATFORM", "AGENT", "CONNECTED", "SEEN"}, empty: "no devices"}
	for _, d := range items {
		t.add(string(d.ID), string(d.Platform), d.Agent, yesNo(d.Connected), ago(d.LastSeenAt))
	}
	return s.printList(items, t, err)
}

func (s *session) getDevice(ctx context.Context, api *client.Client, what string) error {
	d, err := api.Device(ctx, spec.DeviceID(what))
	if err != nil {
		return err
	}
	t := table{columns: []string{"FACT", "VALUE"}}
	t.add("id", string(d.ID))
	t.add("platform", string(d.Platform))
	t.add("agent", d.Agent)
	t.add("connected", yesNo(d.Connected))
	for _, k := range sortedKeys(d.Labels) {
		t.add("label "+k, d.Labels[k])
	}
	for _, k := range sortedKeys(d.Facts) {
		t.add(k, d.Facts[k])
	}
	return s.print(d, t)
}

func (s *session) printList(items any, t table, err error) error {
	if err != nil {
		return err
	}
	return s.print(items, t)
}
