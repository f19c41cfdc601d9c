package api

import (
	"testing"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func TestCredentials(t *testing.T) {
	w := newWorld(t, nil)
	w.register(t)
	made, err := w.api.CreateCredential(t.Context(), spec.Credential{Name: "sensor", Device: kitchen, Publish: []spec.Filter{"a/+/t"}})
	if err != nil || len(made.Secret) != 40 || made.Credential.Name != "sensor" || made.Credential.CreatedAt.IsZero() {
		t.Fatal(made, err)
	}
	if len(made.Pending) != 1 || made.Pending[0] != kitchen {
		t.Errorf("pending %v: no agent is connected", made.Pending)
	}
	for name, c := range map[string]struct {
		want spec.Credential
		kind fail.Kind
	}{
		"taken":      {spec.Credential{Name: "sensor", Publish: []spec.Filter{"b"}}, fail.Conflict},
		"no topics":  {spec.Credential{Name: "idle"}, fail.Invalid},
		"bad filter": {spec.Credential{Name: "bad", Publish: []spec.Filter{"a/#/b"}}, fail.Invalid},
		"bad name":   {spec.Credential{Name: "Bad Name", Publish: []spec.Filter{"a"}}, fail.Invalid},
		"no device":  {spec.Credential{Name: "lost", Device: "moon", Publish: []spec.Filter{"a"}}, fail.NotFound},
	} {
		if _, err := w.api.CreateCredential(t.Context(), c.want); !fail.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err := w.api.Credentials(t.Context()); err != nil || len(list) != 1 || list[0].Publish[0] != "a/+/t" {
		t.Errorf("%+v %v", list, err)
	}
	device := w.client(t, w.device)
	if d, err := device.Desired(t.Context()); err != nil || len(d.Credentials) != 1 || len(d.Credentials[0].Hash) != 64 {
		t.Errorf("%+v %v", d.Credentials, err)
	}
	if _, err := device.Credentials(t.Context()); !fail.Is(err, fail.Denied) {
		t.Errorf("a device lists credentials: %v", err)
	}
	if err := w.api.DeleteCredential(t.Context(), "sensor"); err != nil {
		t.Error(err)
	}
	if err := w.api.DeleteCredential(t.Context(), "sensor"); !fail.Is(err, fail.NotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}
