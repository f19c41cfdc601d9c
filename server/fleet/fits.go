package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func listed(devices []spec.Device) string {
	names := make([]string, len(devices))
	for i, d := range devices {
		names[i] = string(d.ID)
	}
	return strings.Join(names, ", ")
}

// fits tells why a version cannot run on a device, before anything is sent.
func (f *Fleet) fits(ctx context.Context, v spec.ApplicationVersion, d spec.Device) error {
	const op = "deploy"
	c, resource := v.Configuration, string(v.Name)+" "+string(v.Version)
	if !c.Platform.Matches(d.Platform) {
		return fail.New(fail.Invalid, op, "it asks for the platform %s, and the device %s is %s", c.Platform, d.ID, d.Platform).On(resource).
			WithHint("Deploy it to a device of that platform, or change 'platform'.")
	}
	// A device tells each runtime as a fact; which of several versions fits it
	// finds out itself.
	if has, told := d.Facts["runtime."+c.Runtime.Name()]; told && has == "" {
		return fail.New(fail.Invalid, op, "it asks for %s, which the device %s does not have", c.Runtime.Name(), d.ID).On(resource).
			WithHint("Install it on the device and restart the agent, or change 'runtime'.")
	}
	if asksForRoot(c) && d.Facts["policy.root"] == "denied" {
		return fail.New(fail.Invalid, op, "a command asks for mode root, which the device %s does not allow", d.ID).On(resource).
			WithHint("Start the device's agent with --allow-root, or use mode sandbox.")
	}
	if allowed, told := d.Facts["policy.devices"]; told {
		for _, path := range c.Resources.Devices {
			if !spec.AllowsDevice(strings.Fields(allowed), path) {
				return fail.New(fail.Invalid, op, "it asks for %s, which the device %s does not allow", path, d.ID).On(resource).
					WithHint("Start the device's agent with --allow-device %s, or leave it out.", path)
			}
		}
	}
	if enforced, told := d.Facts["isolation.enforced"]; c.Isolation == spec.IsolationStrict && told && enforced != "full" {
		return fail.New(fail.Invalid, op, "it asks for isolation strict, and the device %s enforces it only in part (%s)", d.ID, enforced).On(resource).
			WithHint("'fescue doctor' on the device tells what to do; isolation sandbox takes what can be had.")
	}
	return f.dependenciesMet(ctx, v, d)
}

func asksForRoot(c spec.Configuration) bool {
	return slices.ContainsFunc(c.Commands, func(c spec.Command) bool { return c.Mode == spec.ModeRoot })
}

// dependenciesMet: the applications it needs are on the device, in range.
func (f *Fleet) dependenciesMet(ctx context.Context, v spec.ApplicationVersion, d spec.Device) error {
	needed := v.Configuration.Dependencies.Applications
	if len(needed) == 0 {
		return nil
	}
	placed, err := f.store.Placements(ctx, d.ID)
	if err != nil {
		return err
	}
	var unmet []string
	for name, versions := range needed {
		if !slices.ContainsFunc(placed, func(p spec.Placement) bool {
			return p.Name == name && p.Desired == spec.Running && versions.Contains(p.Version)
		}) {
			unmet = append(unmet, fmt.Sprintf("%s %s", name, versions))
		}
	}
	if len(unmet) == 0 {
		return nil
	}
	slices.Sort(unmet)
	return fail.New(fail.Invalid, "deploy", "it needs on the device %s: %s", d.ID, strings.Join(unmet, ", ")).On(string(v.Name) + " " + string(v.Version)).
		WithHint("Deploy these first.")
}
