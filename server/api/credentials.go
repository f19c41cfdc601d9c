package api

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// CredentialRequest asks for a login.
type CredentialRequest struct {
	Name      spec.Name     `json:"name" doc:"The user name of MQTT and NATS clients." example:"kitchen-sensor"`
	Device    spec.DeviceID `json:"device,omitempty" doc:"The device it is good for; every device if left out."`
	Subscribe []spec.Filter `json:"subscribe,omitempty" doc:"MQTT topic filters that it may subscribe to."`
	Publish   []spec.Filter `json:"publish,omitempty" doc:"Topics or filters that it may publish to."`
}

// NewCredential is a login with its secret, which is told this once.
type NewCredential struct {
	Credential spec.Credential `json:"credential"`
	Secret     string          `json:"secret" doc:"The password. It is not stored and cannot be shown again."`
	// Pending are devices that do not have it yet.
	Pending []spec.DeviceID `json:"pending" doc:"Devices it is for that did not have it within 5 s, or are not connected. They get it by themselves."`
}

// CredentialList is all logins.
type CredentialList struct {
	Items []spec.Credential `json:"items"`
}

func (s *Server) credentialRoutes() {
	tags := []string{"Credentials"}
	add(s, forAdmin, huma.Operation{
		OperationID: "create-credential", Method: http.MethodPost, Path: "/v1/credentials", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make a login for an MQTT or NATS client",
	}, func(ctx context.Context, in *struct{ Body CredentialRequest }) (*one[NewCredential], error) {
		c, secret, err := s.Fleet.CreateCredential(ctx, spec.Credential{
			Name: in.Body.Name, Device: in.Body.Device, Subscribe: in.Body.Subscribe, Publish: in.Body.Publish,
		})
		if err != nil {
			return nil, err
		}
		pending, err := s.withoutCredential(ctx, c)
		return &one[NewCredential]{NewCredential{c, secret, pending}}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "list-credentials", Method: http.MethodGet, Path: "/v1/credentials", Tags: tags, Summary: "List logins",
	}, func(ctx context.Context, _ *struct{}) (*one[CredentialList], error) {
		items, err := s.Fleet.Credentials(ctx)
		return &one[CredentialList]{CredentialList{append([]spec.Credential{}, items...)}}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "delete-credential", Method: http.MethodDelete, Path: "/v1/credentials/{name}", Tags: tags,
		Summary: "Revoke a login; clients that use it are disconnected",
	}, func(ctx context.Context, in *struct {
		Name spec.Name `path:"name"`
	}) (*struct{}, error) {
		return nil, s.Fleet.DeleteCredential(ctx, in.Name)
	})
}

const (
	credentialPatience = 5 * time.Second
	credentialLook     = 20 * time.Millisecond
)

// withoutCredential waits until the devices that a new login is for have it, and returns
// those that do not have it in time.
func (s *Server) withoutCredential(ctx context.Context, c spec.Credential) ([]spec.DeviceID, error) {
	devices, err := s.Fleet.Devices(ctx, store.Page{Limit: 1000})
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, credentialPatience)
	defer cancel()
	pending := []spec.DeviceID{}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(64)
	for _, d := range devices.Items {
		if c.Device != "" && d.ID != c.Device {
			continue
		}
		group.Go(func() error {
			if !d.Connected || !s.caughtUp(within, d.ID) {
				mu.Lock()
				defer mu.Unlock()
				pending = append(pending, d.ID)
			}
			return nil
		})
	}
	_ = group.Wait() // none fails
	slices.Sort(pending)
	return pending, nil
}

// caughtUp waits until a device has taken over what is desired of it now.
func (s *Server) caughtUp(ctx context.Context, device spec.DeviceID) bool {
	want, err := s.Fleet.Desired(ctx, device)
	for err == nil {
		var got fabric.StatusReply
		got, err = fabric.Call[fabric.StatusCall, fabric.StatusReply](ctx, s.Control, device, fabric.VerbStatus, fabric.StatusCall{})
		if err == nil && got.Revision >= want.Revision {
			return true
		}
		select {
		case <-time.After(credentialLook):
		case <-ctx.Done():
			return false
		}
	}
	return false
}
