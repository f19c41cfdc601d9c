package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

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
		return &one[NewCredential]{NewCredential{c, secret}}, err
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
