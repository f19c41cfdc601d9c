package fleet

import (
	"context"
	"errors"
	"maps"
	"slices"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Checked is what a check of a configuration found.
type Checked struct {
	Configuration *spec.Configuration
	Faults        spec.Faults
	Warnings      []string
}

// Check looks for everything that is wrong with a configuration: what the text
// shows, what its artifact lacks (has is nil without one), what the database
// knows. An error means that it could not be checked.
func (f *Fleet) Check(ctx context.Context, text []byte, has func(path string) bool) (Checked, error) {
	document, err := spec.Read("fescue.yaml", text)
	var faults spec.Faults
	if errors.As(err, &faults) {
		return Checked{Faults: faults}, nil
	}
	if err != nil {
		return Checked{}, err
	}
	if has != nil {
		faults = document.CheckFiles(has)
	}
	more, err := f.checkDependencies(ctx, document)
	if err != nil {
		return Checked{}, err
	}
	return Checked{Configuration: document.Configuration, Faults: append(faults, more...), Warnings: document.Warnings()}, nil
}

// checkDependencies: the applications that it names are stored, and none of them
// waits for it in turn.
func (f *Fleet) checkDependencies(ctx context.Context, d *spec.Document) (faults spec.Faults, err error) {
	const field = "dependencies.applications"
	needs := d.Dependencies.Applications
	cycle, err := f.cycle(ctx, d.Name, needs)
	if err != nil {
		return nil, err
	}
	if cycle != "" {
		faults = append(faults, d.Fault(field, "a cycle: "+cycle, "Applications cannot wait for one another."))
	}
	for _, name := range slices.Sorted(maps.Keys(needs)) {
		_, err := f.store.Version(ctx, name, "")
		if fail.Is(err, fail.NotFound) {
			faults = append(faults, d.Fault(field+"."+string(name), "there is no application of this name", "Create it first."))
		} else if err != nil {
			return nil, err
		}
	}
	return faults, nil
}

// cycle follows dependencies, of each application's latest version, and tells a
// way that leads back to name, or "".
func (f *Fleet) cycle(ctx context.Context, name spec.Name, needs map[spec.Name]spec.Range) (string, error) {
	seen := map[spec.Name]bool{}
	var follow func(way string, needs map[spec.Name]spec.Range) (string, error)
	follow = func(way string, needs map[spec.Name]spec.Range) (string, error) {
		for _, next := range slices.Sorted(maps.Keys(needs)) {
			at := way + " → " + string(next)
			if next == name {
				return at, nil
			}
			if seen[next] {
				continue
			}
			seen[next] = true
			v, err := f.store.Version(ctx, next, "")
			if fail.Is(err, fail.NotFound) {
				continue
			}
			if err != nil {
				return "", err
			}
			if found, err := follow(at, v.Configuration.Dependencies.Applications); err != nil || found != "" {
				return found, err
			}
		}
		return "", nil
	}
	return follow(string(name), needs)
}
