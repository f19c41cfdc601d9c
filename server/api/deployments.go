package api

import (
	"context"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/server/fleet"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// DeployRequest asks for a stored version to run.
type DeployRequest struct {
	Name    spec.Name       `json:"name" doc:"The application."`
	Version spec.Version    `json:"version,omitempty" doc:"A stored version; without it the latest."`
	Devices []spec.DeviceID `json:"devices,omitempty" maxItems:"1000" doc:"Where; without it the only device there is."`
}

// ByDeployment is a deployment in a path.
type ByDeployment struct {
	ID spec.DeploymentID `path:"id" minimum:"1" doc:"The deployment's number."`
}

func (s *Server) deploymentRoutes() {
	tags := []string{"Deployments"}
	op := add(s, forAdmin, huma.Operation{
		OperationID: "create-deployment", Method: http.MethodPost, Path: "/v1/deployments", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Set an application version to run on devices",
		Description: "As JSON, a version that is stored. As multipart/form-data, everything in one request: the parts `configuration` (the text), `artifact` (the archive, streamed) " +
			"and, if wanted, `devices` (once for each, or parted by commas), in any order. A deployment supersedes those of the same application that are under way on the same devices. " +
			"How it goes is at `/v1/deployments/{id}/events`.",
	}, s.createDeployment)
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json":    {Schema: schemaOf(s.api, DeployRequest{})},
		"multipart/form-data": {Schema: formSchema()},
	}}
	add(s, forAdmin, huma.Operation{
		OperationID: "list-deployments", Method: http.MethodGet, Path: "/v1/deployments", Tags: tags, Summary: "List deployments, newest first",
	}, func(ctx context.Context, in *struct {
		Paged
		Name spec.Name `query:"name" doc:"Only of this application."`
	}) (*listOf[spec.Deployment], error) {
		list, err := s.Store.Deployments(ctx, in.Name, in.page())
		return &listOf[spec.Deployment]{list}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "get-deployment", Method: http.MethodGet, Path: "/v1/deployments/{id}", Tags: tags, Summary: "Tell how a deployment stands",
	}, func(ctx context.Context, in *struct{ ByDeployment }) (*one[spec.Deployment], error) {
		d, err := s.Store.Deployment(ctx, in.ID)
		return &one[spec.Deployment]{d}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "cancel-deployment", Method: http.MethodPost, Path: "/v1/deployments/{id}/cancel", Tags: tags,
		Summary: "End a deployment that is under way", Description: "Its devices go back to the version that ran before. A conflict once it has ended.",
	}, func(ctx context.Context, in *struct{ ByDeployment }) (*one[spec.Deployment], error) {
		d, err := s.Fleet.Cancel(ctx, in.ID)
		return &one[spec.Deployment]{d}, err
	})
	op = add(s, forAdmin, huma.Operation{
		OperationID: "list-deployment-events", Method: http.MethodGet, Path: "/v1/deployments/{id}/events", Tags: tags,
		Summary: "List or follow every step of a deployment",
		Description: "With `Accept: text/event-stream` a stream of events `event`, as of `/v1/events`, that ends with an event `end`, whose data is the deployment, " +
			"when the deployment is final.",
	}, s.deploymentEvents)
	describeStream(s, op, EventList{}, "Its events; or a stream of them.")
}

func (s *Server) createDeployment(ctx context.Context, in *struct{ Exchanged }) (*one[spec.Deployment], error) {
	kind, parameters, _ := mime.ParseMediaType(in.r.Header.Get("Content-Type"))
	var request DeployRequest
	var err error
	switch kind {
	case "application/json", "":
		request, err = s.readDeployRequest(in)
	case "multipart/form-data":
		request, err = s.readForm(ctx, in.r.Body, parameters["boundary"])
	default:
		return nil, newProblem(codeMediaType, "a deployment is not asked for as "+clip(kind, 100), "Send application/json or multipart/form-data.")
	}
	if err != nil {
		return nil, err
	}
	d, err := s.Fleet.Deploy(ctx, fleet.DeployRequest{Name: request.Name, Version: request.Version, Devices: request.Devices})
	return &one[spec.Deployment]{d}, err
}

func (s *Server) readDeployRequest(in *struct{ Exchanged }) (r DeployRequest, err error) {
	if err := readJSON(in.w, in.r, smallBody, &r); err != nil {
		return r, err
	}
	if err := r.Name.Validate(); err != nil {
		return r, invalidField("name", err)
	}
	if r.Version != "" {
		if err := r.Version.Validate(); err != nil {
			return r, invalidField("version", err)
		}
	}
	return r, nil
}

type deploymentEventsInput struct {
	Exchanged
	ByDeployment
	Last string `header:"Last-Event-ID" doc:"The id of the last event that arrived, where a stream goes on."`
}

func (s *Server) deploymentEvents(ctx context.Context, in *deploymentEventsInput) (*huma.StreamResponse, error) {
	if _, err := s.Store.Deployment(ctx, in.ID); err != nil {
		return nil, err
	}
	q := store.EventQuery{Deployment: in.ID}
	if err := resume(&q, in.Last); err != nil {
		return nil, err
	}
	if !wantsStream(in.r) {
		items, err := s.allEvents(ctx, q)
		if err != nil {
			return nil, err
		}
		return answerJSON(&in.Exchanged, EventList{items})
	}
	return s.answerStream(&in.Exchanged, "list-deployment-events", func(ctx context.Context, out *stream) error {
		return s.followDeployment(ctx, q, out)
	}), nil
}

// followDeployment follows until the deployment is final. Its last event and its
// final status come into the database together: so whatever was read before the
// status became final is read once more behind it, and `end` is the last.
func (s *Server) followDeployment(ctx context.Context, q store.EventQuery, out *stream) error {
	final := func(ctx context.Context) (bool, error) {
		d, err := s.Store.Deployment(ctx, q.Deployment)
		return err == nil && d.Status.Final(), err
	}
	if err := s.follow(ctx, &q, out, final); err != nil || out.err != nil || ctx.Err() != nil {
		return err
	}
	rest, err := s.allEvents(ctx, q)
	if err != nil {
		return err
	}
	for _, e := range rest {
		if !out.event(e) {
			return nil
		}
	}
	d, err := s.Store.Deployment(ctx, q.Deployment)
	if err == nil {
		out.send("end", "", d)
	}
	return err
}

// allEvents reads every event of a query; a deployment has some dozens.
func (s *Server) allEvents(ctx context.Context, q store.EventQuery) ([]store.StoredEvent, error) {
	all := []store.StoredEvent{}
	for {
		page, err := s.Store.Events(ctx, q)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all = append(all, page...)
		q.After = page[len(page)-1].ID
	}
}
