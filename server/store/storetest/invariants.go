package storetest

import (
	"context"

	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// reporter is a test, or one try of a property.
type reporter interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// records is what a database says about some applications and devices.
type records struct {
	Applications []spec.Application
	Versions     []spec.ApplicationVersion
	Deployments  []spec.Deployment
	Desired      []spec.Desired
}

// everything reads all that the database knows.
func everything(t reporter, s *store.Store) records {
	t.Helper()
	devices, err := s.Devices(context.Background(), store.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	applications, err := s.Applications(context.Background(), "", store.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	names, ids := make([]spec.Name, 0, len(applications.Items)), make([]spec.DeviceID, 0, len(devices.Items))
	for _, a := range applications.Items {
		names = append(names, a.Name)
	}
	for _, d := range devices.Items {
		ids = append(ids, d.ID)
	}
	return read(t, s, names, ids)
}

// read reads what the database says about these.
func read(t reporter, s *store.Store, names []spec.Name, devices []spec.DeviceID) records {
	t.Helper()
	ctx, all := context.Background(), store.Page{Limit: 1000}
	var r records
	for _, name := range names {
		versions, err := s.Versions(ctx, store.VersionQuery{Name: name}, all)
		if err != nil {
			t.Fatal(err)
		}
		r.Versions = append(r.Versions, versions.Items...)
		deployments, err := s.Deployments(ctx, name, all)
		if err != nil {
			t.Fatal(err)
		}
		r.Deployments = append(r.Deployments, deployments.Items...)
		if len(versions.Items) == 0 {
			continue
		}
		a, err := s.Application(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		r.Applications = append(r.Applications, a)
	}
	for _, d := range devices {
		desired, err := s.Desired(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		r.Desired = append(r.Desired, desired)
	}
	return r
}

func checkInvariants(t reporter, s *store.Store) {
	t.Helper()
	everything(t, s).check(t)
}

// place is one application on one device.
type place struct {
	device spec.DeviceID
	name   spec.Name
}

// check finds what must never be so, whatever happened.
func (r records) check(t reporter) {
	t.Helper()
	placements := map[place]spec.Placement{}
	for _, a := range r.Applications {
		for _, p := range a.Placements {
			placements[place{p.Device, p.Name}] = p
		}
	}
	r.checkDesired(t, placements)
	r.checkDeployments(t, placements)
	r.checkVersions(t, placements)
}

// checkDesired: a device is told exactly its placements.
func (r records) checkDesired(t reporter, placements map[place]spec.Placement) {
	t.Helper()
	told := 0
	for _, d := range r.Desired {
		told += len(d.Applications)
		for _, a := range d.Applications {
			p, ok := placements[place{d.Device, a.Name}]
			if !ok || p.Version != a.Version || p.Deployment != a.Deployment || p.Desired != a.State {
				t.Fatalf("%s is told %s %s of deployment %d, %s; its placement is %+v", d.Device, a.Name, a.Version, a.Deployment, a.State, p)
			}
			if a.Configuration.Name != a.Name || a.Configuration.Version != a.Version {
				t.Fatalf("%s is told the configuration of %s %s for %s %s", d.Device, a.Configuration.Name, a.Configuration.Version, a.Name, a.Version)
			}
		}
	}
	if told != len(placements) {
		t.Fatalf("devices are told %d applications, and there are %d placements", told, len(placements))
	}
}

// checkDeployments: what is under way is what a placement waits for, and the
// other way round; a summary says what its devices say.
func (r records) checkDeployments(t reporter, placements map[place]spec.Placement) {
	t.Helper()
	waiting := map[place]spec.DeploymentID{}
	versions := map[spec.DeploymentID]spec.Version{}
	for _, d := range r.Deployments {
		versions[d.ID] = d.Version
		active := false
		for _, x := range d.Devices {
			if x.Status.Final() {
				continue
			}
			active = true
			at := place{x.Device, d.Name}
			if other, ok := waiting[at]; ok {
				t.Fatalf("deployments %d and %d of %s are under way on %s at once", other, d.ID, d.Name, x.Device)
			}
			waiting[at] = d.ID
			if p, ok := placements[at]; !ok || p.Deployment != d.ID || p.State != spec.Deploying || p.Desired == spec.Removed {
				t.Fatalf("deployment %d is %s on %s, and the placement is %+v", d.ID, x.Status, x.Device, p)
			}
		}
		if active == d.Status.Final() || (d.FinishedAt != nil) != d.Status.Final() {
			t.Fatalf("deployment %d is %s, finished %v, on %+v", d.ID, d.Status, d.FinishedAt, d.Devices)
		}
	}
	for at, p := range placements {
		if _, ok := waiting[at]; ok != (p.State == spec.Deploying) {
			t.Fatalf("placement %+v, and a deployment is under way: %v", p, ok)
		}
		if v, ok := versions[p.Deployment]; !ok || v != p.Version {
			t.Fatalf("placement %+v belongs to a deployment of version %q", p, v)
		}
	}
}

// checkVersions: a version's status says what the placements say.
func (r records) checkVersions(t reporter, placements map[place]spec.Placement) {
	t.Helper()
	for _, v := range r.Versions {
		deploying := false
		for _, p := range placements {
			deploying = deploying || p.Name == v.Name && p.Version == v.Version && p.State == spec.Deploying
		}
		if deploying != (v.Status == spec.VersionDeploying) {
			t.Fatalf("version %s %s is %s, and a device is at it: %v", v.Name, v.Version, v.Status, deploying)
		}
		if done := v.Status != spec.VersionStored && v.Status != spec.VersionDeploying; v.Processed != done {
			t.Fatalf("version %s %s is %s and processed %v", v.Name, v.Version, v.Status, v.Processed)
		}
	}
}
