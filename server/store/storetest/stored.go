package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

func testArtifacts(t *testing.T, s *store.Store) {
	ctx := t.Context()
	w := &world{T: t, s: s, ctx: ctx}
	in := spec.Artifact{Digest: digest(7), Size: 1 << 40, Unpacked: 1 << 41, Files: 3}
	before := time.Now().Add(-time.Second)
	first, created, err := s.PutArtifact(ctx, in)
	w.check(err)
	if !created || first.CreatedAt.Before(before) || first.CreatedAt.Location() != time.UTC || first.CreatedAt.Nanosecond()%1000 != 0 {
		t.Fatalf("created %v at %v, want UTC with microseconds", created, first.CreatedAt)
	}
	if diff := cmp.Diff(in, first, cmpopts.IgnoreFields(spec.Artifact{}, "CreatedAt")); diff != "" {
		t.Fatal(diff)
	}
	again, created, err := s.PutArtifact(ctx, in)
	w.check(err)
	w.same(again, first)
	if created {
		t.Fatal("the same artifact was created twice")
	}
	w.check(s.DeleteArtifact(ctx, in.Digest))
	w.refused(second(s.Artifact(ctx, in.Digest)), fail.NotFound)
	w.refused(s.DeleteArtifact(ctx, in.Digest), fail.NotFound)
}

func testArtifactInUse(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1)
	err := s.DeleteArtifact(w.ctx, w.artifact)
	w.refused(err, fail.Conflict)
	if fail.HintOf(err) == "" {
		t.Fatal("no hint with", err)
	}
	_, _, err = s.CreateVersion(w.ctx, configuration(app, v2), "x", digest(99))
	w.refused(err, fail.NotFound)
	if !strings.Contains(fail.HintOf(err), "create artifact") {
		t.Fatalf("the hint %q does not tell what to do", fail.HintOf(err))
	}
	w.check(s.DeleteVersion(w.ctx, app, v1))
	w.check(s.DeleteArtifact(w.ctx, w.artifact))
}

func testVersionIsImmutable(t *testing.T, s *store.Store) {
	w := newWorld(t, s)
	must(t)(s.PutArtifact(w.ctx, spec.Artifact{Digest: digest(2)}))
	first, created, err := s.CreateVersion(w.ctx, configuration(app, v1), "text", w.artifact)
	w.check(err)
	if !created || first.Status != spec.VersionStored || first.Processed {
		t.Fatalf("created %v: %+v", created, first)
	}
	again, created, err := s.CreateVersion(w.ctx, configuration(app, v1), "text", w.artifact)
	w.check(err)
	w.same(again, first)
	if created {
		t.Fatal("the same version was created twice")
	}
	for what, create := range map[string]func() error{
		"text":     func() error { return third(s.CreateVersion(w.ctx, configuration(app, v1), "other", w.artifact)) },
		"artifact": func() error { return third(s.CreateVersion(w.ctx, configuration(app, v1), "text", digest(2))) },
	} {
		err := create()
		w.refused(err, fail.Conflict)
		if !strings.Contains(fail.HintOf(err), "raise the version") {
			t.Fatalf("other %s: the hint %q does not tell what to do", what, fail.HintOf(err))
		}
	}
	stored, err := s.Version(w.ctx, app, v1)
	w.check(err)
	w.same(stored, first)
}

func third[T, U any](_ T, _ U, err error) error { return err }

func testVersionColumns(t *testing.T, s *store.Store) {
	w := newWorld(t, s)
	c := configuration(app, "1.2.3-beta.1+build")
	c.Handler, c.Triggers = "", nil
	c.Description = "quotes ' \" \\ $1, ünï¢ode ☃, a\ttab"
	c.Environment = map[string]string{"A": "b"}
	c.Resources = spec.Resources{Subscribe: []spec.Filter{"a/+"}, Publish: []spec.Filter{"b/#"}}
	c.Dependencies = spec.Dependencies{Requirements: "requirements.txt", Applications: map[spec.Name]spec.Range{"other": ">=1"}}
	c.Commands = []spec.Command{
		{Run: "make", Mode: spec.ModeUser, Wait: true, Timeout: spec.Duration(90 * time.Second)},
		{Run: "./serve", Mode: spec.ModeSandbox},
	}
	text := "# a comment\nname: roots\n"
	v, _, err := s.CreateVersion(w.ctx, c, text, w.artifact)
	w.check(err)
	w.same(v.Configuration, *c)
	w.same(v.Text, text)
	commands, err := s.Commands(w.ctx, v.ID)
	w.check(err)
	w.same(commands, c.Commands)
	w.check(s.DeleteVersion(w.ctx, app, c.Version))
	commands, err = s.Commands(w.ctx, v.ID)
	w.check(err)
	w.same(commands, []spec.Command{})
}

func testLatestVersion(t *testing.T, s *store.Store) {
	w := newWorld(t, s)
	w.refused(second(s.Version(w.ctx, app, "")), fail.NotFound)
	for _, c := range []struct{ add, latest spec.Version }{
		{"1.0.0-rc.1", "1.0.0-rc.1"}, {"0.9.0", "0.9.0"}, {"0.10.0", "0.10.0"}, {"0.2.0", "0.10.0"}, {"11.0.0-alpha", "0.10.0"},
	} {
		w.version(app, c.add)
		got, err := s.Version(w.ctx, app, "")
		w.check(err)
		a, err := s.Application(w.ctx, app)
		w.check(err)
		if got.Version != c.latest || a.Latest != c.latest {
			t.Fatalf("after %s the latest is %s and %s, want %s", c.add, got.Version, a.Latest, c.latest)
		}
	}
}

func testDeleteVersion(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	w.refused(s.DeleteVersion(w.ctx, app, "9.9.9"), fail.NotFound)
	w.up()
	w.refused(s.DeleteVersion(w.ctx, app, v1), fail.Conflict)
	id := w.deploy(v2, left)
	w.refused(s.DeleteVersion(w.ctx, app, v1), fail.Conflict) // v2 may go back to it
	w.refused(s.DeleteVersion(w.ctx, app, v2), fail.Conflict)
	w.tell(outcome(left, id, v2, spec.DeploymentSucceeded, ""))
	w.check(s.DeleteVersion(w.ctx, app, v1))
	w.deploymentIs(id, spec.DeploymentSucceeded)
	w.same(w.deployment(id-1).Version, v1) // history stays
}

func testDevices(t *testing.T, s *store.Store) {
	w := &world{T: t, s: s, ctx: t.Context()}
	in := spec.Device{ID: "pi", Platform: "linux/arm64", Agent: "1", Labels: map[string]string{"room": "kitchen"}, Facts: map[string]string{"runtime.python": "3.11"}}
	stored, err := s.PutDevice(w.ctx, in)
	w.check(err)
	ignore := cmpopts.IgnoreFields(spec.Device{}, "CreatedAt", "LastSeenAt")
	if diff := cmp.Diff(in, stored, ignore); diff != "" {
		t.Fatal(diff)
	}
	in.Agent, in.Facts = "2", nil
	changed, err := s.PutDevice(w.ctx, in)
	w.check(err)
	if diff := cmp.Diff(in, changed, ignore); diff != "" || !changed.CreatedAt.Equal(stored.CreatedAt) {
		t.Fatal("after a change:", diff, changed.CreatedAt)
	}
	later := changed.LastSeenAt.Add(time.Hour)
	w.check(s.TouchDevice(w.ctx, "pi", later))
	w.check(s.TouchDevice(w.ctx, "pi", later.Add(-time.Minute)))
	got, err := s.Device(w.ctx, "pi")
	w.check(err)
	if !got.LastSeenAt.Equal(later) {
		t.Fatalf("last seen %v, want %v: an older word must not turn it back", got.LastSeenAt, later)
	}
	w.refused(second(s.Device(w.ctx, "none")), fail.NotFound)
	w.refused(second(s.Desired(w.ctx, "none")), fail.NotFound)
}

func testTokens(t *testing.T, s *store.Store) {
	w := &world{T: t, s: s, ctx: t.Context()}
	admin := store.Token{Name: "admin", Role: store.RoleAdmin}
	pi := store.Token{Name: "device/pi", Role: store.RoleDevice, Device: "pi"}
	w.check(s.PutToken(w.ctx, admin, "a"))
	w.check(s.PutToken(w.ctx, pi, "b"))
	for token, want := range map[string]store.Token{"a": admin, "b": pi} {
		got, err := s.FindToken(w.ctx, token)
		w.check(err)
		w.same(got, want)
	}
	w.check(s.UseToken(w.ctx, "admin", time.Now()))
	w.check(s.PutToken(w.ctx, admin, "new"))
	w.refused(second(s.FindToken(w.ctx, "a")), fail.NotFound)
	w.refused(second(s.FindToken(w.ctx, "")), fail.NotFound)
	w.refused(second(s.FindToken(w.ctx, store.HashToken("new"))), fail.NotFound)
	w.check(s.DeleteToken(w.ctx, "admin"))
	w.check(s.DeleteToken(w.ctx, "admin"))
	w.refused(second(s.FindToken(w.ctx, "new")), fail.NotFound)
}

func testSessions(t *testing.T, s *store.Store) {
	w := &world{T: t, s: s, ctx: t.Context()}
	later, past := time.Now().Add(time.Hour), time.Now().Add(-time.Second)
	admin := store.Token{Name: "admin", Role: store.RoleAdmin}
	w.check(s.PutToken(w.ctx, admin, "token"))
	session, err := s.PutSession(w.ctx, admin, "1", "one", later)
	w.check(err)
	got, err := s.FindToken(w.ctx, "one")
	w.check(err)
	w.same(got, session)
	w.same(got, store.Token{Name: "admin/session/1", Role: store.RoleAdmin})

	w.check(second(s.PutSession(w.ctx, admin, "2", "over", past)))
	w.refused(second(s.FindToken(w.ctx, "over")), fail.NotFound)

	w.check(second(s.PutSession(w.ctx, admin, "3", "three", later)))
	w.check(s.DeleteToken(w.ctx, session.Name))
	w.refused(second(s.FindToken(w.ctx, "one")), fail.NotFound)
	w.check(second(s.FindToken(w.ctx, "three")))
	w.check(second(s.FindToken(w.ctx, "token")))

	w.check(s.PutToken(w.ctx, store.Token{Name: "adm", Role: store.RoleAdmin}, "of another name"))
	w.check(second(s.FindToken(w.ctx, "three")))
	w.check(s.PutToken(w.ctx, admin, "new")) // a new token ends what was opened with the old one
	w.refused(second(s.FindToken(w.ctx, "three")), fail.NotFound)
}

func testHeldByDevice(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	w.version("other", v1)
	w.up()
	w.deploy(v2, left, right)
	versions := func(d spec.DeviceID) (all []string) {
		list, err := s.Versions(w.ctx, store.VersionQuery{Device: d}, store.Page{})
		w.check(err)
		for _, v := range list.Items {
			all = append(all, string(v.Name)+" "+string(v.Version))
		}
		slices.Sort(all)
		return all
	}
	w.same(versions(left), []string{"roots 1.0.0", "roots 2.0.0"}) // the one that still runs is there
	w.same(versions(right), []string{"roots 2.0.0"})
	w.same(versions("attic"), []string(nil))
	for device, want := range map[spec.DeviceID]int{left: 1, right: 1, "attic": 0, "": 2} {
		list, err := s.Applications(w.ctx, device, store.Page{})
		w.check(err)
		if len(list.Items) != want {
			t.Errorf("%q holds %+v, want %d applications", device, list.Items, want)
		}
		for _, a := range list.Items {
			one, err := s.Application(w.ctx, a.Name)
			w.check(err)
			w.same(a, one)
		}
	}
}

func testPages(t *testing.T, s *store.Store) {
	w := newWorld(t, s)
	const n = 7
	for i := range n {
		must(t)(s.PutArtifact(w.ctx, spec.Artifact{Digest: digest(100 + i)}))
		w.version(spec.Name(fmt.Sprintf("a%d", i)), v1)
		w.version(app, spec.Version(fmt.Sprintf("1.%d.0", i)))
		w.deploy(spec.Version(fmt.Sprintf("1.%d.0", i)), left)
	}
	for limit := 1; limit <= n+2; limit++ {
		page := func(cursor string) store.Page { return store.Page{Limit: limit, Cursor: cursor} }
		pages(w, n+1, limit, func(c string) (store.List[spec.Artifact], error) { return s.Artifacts(w.ctx, page(c)) })
		pages(w, 2*n, limit, func(c string) (store.List[spec.ApplicationVersion], error) {
			return s.Versions(w.ctx, store.VersionQuery{}, page(c))
		})
		pages(w, n, limit, func(c string) (store.List[spec.ApplicationVersion], error) {
			return s.Versions(w.ctx, store.VersionQuery{Name: app}, page(c))
		})
		pages(w, n+1, limit, func(c string) (store.List[spec.Application], error) { return s.Applications(w.ctx, "", page(c)) })
		pages(w, n, limit, func(c string) (store.List[spec.Deployment], error) { return s.Deployments(w.ctx, "", page(c)) })
		pages(w, 2, limit, func(c string) (store.List[spec.Device], error) { return s.Devices(w.ctx, page(c)) })
	}
	w.refused(second(s.Versions(w.ctx, store.VersionQuery{}, store.Page{Cursor: "nonsense"})), fail.Invalid)
	w.refused(second(s.Deployments(w.ctx, "", store.Page{Cursor: "-1"})), fail.Invalid)
	newest, err := s.Deployments(w.ctx, app, store.Page{Limit: 2})
	w.check(err)
	if len(newest.Items) != 2 || newest.Items[0].ID <= newest.Items[1].ID || len(newest.Items[0].Devices) != 1 {
		t.Fatalf("deployments are listed newest first, with devices: %+v", newest.Items)
	}
}

// pages walks a list and finds each item once.
func pages[T any](w *world, want, limit int, list func(cursor string) (store.List[T], error)) {
	w.Helper()
	var all []string
	for cursor := ""; ; {
		page, err := list(cursor)
		w.check(err)
		if len(page.Items) > limit || page.Items == nil {
			w.Fatalf("a page of %d has %d items (nil: %v)", limit, len(page.Items), page.Items == nil)
		}
		for _, item := range page.Items {
			all = append(all, fmt.Sprintf("%+v", item))
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	slices.Sort(all)
	if distinct := slices.Compact(slices.Clone(all)); len(all) != want || len(distinct) != want {
		w.Fatalf("pages of %d have %d items, %d distinct; want %d", limit, len(all), len(distinct), want)
	}
}

func testContext(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.refused(second(s.Device(ctx, left)), fail.Canceled)
	w.refused(second(s.CreateDeployment(ctx, app, v1, []spec.DeviceID{left})), fail.Canceled)
	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	w.refused(second(s.CreateDeployment(past, app, v1, []spec.DeviceID{left})), fail.Timeout)
	list, err := s.Deployments(w.ctx, "", store.Page{})
	w.check(err)
	if len(list.Items) != 0 {
		t.Fatalf("a deployment that was given up is there: %+v", list.Items)
	}
}
