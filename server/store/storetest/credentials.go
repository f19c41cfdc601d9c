package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// testCredentials: a credential is in the desired state of its device, or of
// every device, with the hash of its secret; each change is a new revision.
func testCredentials(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for _, id := range []spec.DeviceID{"attic", "kitchen"} {
		if _, err := s.PutDevice(ctx, spec.Device{ID: id, Platform: "linux/amd64", Agent: "v1"}); err != nil {
			t.Fatal(err)
		}
	}
	desired := func(id spec.DeviceID) spec.Desired {
		t.Helper()
		d, err := s.Desired(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before := desired("kitchen").Revision
	one := spec.Credential{Name: "sensor", Device: "kitchen", Publish: []spec.Filter{"a/#"}}
	all := spec.Credential{Name: "red", Subscribe: []spec.Filter{"#"}, Publish: []spec.Filter{"b"}}
	for _, c := range []spec.Credential{one, all} {
		made, devices, err := s.CreateCredential(ctx, c, "secret of "+string(c.Name))
		if err != nil || made.CreatedAt.IsZero() || len(devices) == 0 {
			t.Fatal(made, devices, err)
		}
	}
	if _, _, err := s.CreateCredential(ctx, one, "again"); !fail.Is(err, fail.Conflict) {
		t.Errorf("the same name again: %v", err)
	}
	d := desired("kitchen")
	if d.Revision != before+2 {
		t.Errorf("revision %d after %d", d.Revision, before)
	}
	want := []spec.DesiredCredential{
		{Name: "red", Hash: store.HashToken("secret of red"), Subscribe: all.Subscribe, Publish: all.Publish},
		{Name: "sensor", Hash: store.HashToken("secret of sensor"), Publish: one.Publish},
	}
	if diff := cmp.Diff(want, d.Credentials); diff != "" {
		t.Errorf("of the kitchen (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[:1], desired("attic").Credentials); diff != "" {
		t.Errorf("of the attic (-want +got):\n%s", diff)
	}
	if list, err := s.Credentials(ctx); err != nil || len(list) != 2 || list[0].Name != "red" || list[1].Device != "kitchen" {
		t.Errorf("%+v, %v", list, err)
	}
	if devices, err := s.DeleteCredential(ctx, "sensor"); err != nil || len(devices) != 1 || devices[0] != "kitchen" {
		t.Errorf("%v, %v", devices, err)
	}
	if _, err := s.DeleteCredential(ctx, "sensor"); !fail.Is(err, fail.NotFound) || fail.HintOf(err) == "" {
		t.Errorf("deleted twice: %v", err)
	}
	if n := len(desired("kitchen").Credentials); n != 1 {
		t.Errorf("%d are left", n)
	}
}
