package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

func (s *Server) applicationRoutes() {
	tags := []string{"Applications"}
	add(s, forAdmin, huma.Operation{
		OperationID: "list-applications", Method: http.MethodGet, Path: "/v1/applications", Tags: tags, Summary: "List applications and how they are on each device",
	}, func(ctx context.Context, in *struct {
		Paged
		HeldBy
	}) (*listOf[spec.Application], error) {
		list, err := s.Store.Applications(ctx, in.Device, in.page())
		return &listOf[spec.Application]{list}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "get-application", Method: http.MethodGet, Path: "/v1/applications/{name}", Tags: tags, Summary: "Tell how an application is on each device",
	}, s.byApplication(s.Store.Application))
	add(s, forAdmin, huma.Operation{
		OperationID: "start-application", Method: http.MethodPost, Path: "/v1/applications/{name}/start", Tags: tags, Summary: "Start an application that was stopped",
	}, s.byApplication(s.Fleet.Start))
	add(s, forAdmin, huma.Operation{
		OperationID: "stop-application", Method: http.MethodPost, Path: "/v1/applications/{name}/stop", Tags: tags,
		Summary: "Stop an application", Description: "It stays stopped, also over restarts of the device, until it is started.",
	}, s.byApplication(s.Fleet.Stop))
	add(s, forAdmin, huma.Operation{
		OperationID: "delete-application", Method: http.MethodDelete, Path: "/v1/applications/{name}", Tags: tags,
		Summary: "Take an application off every device",
		Description: "Answered once the change is stored; devices make it when they are connected. With `versions=true` the stored versions are deleted too: " +
			"the answer then waits until the devices have given the application up, and is a conflict if that takes longer than 30 seconds.",
	}, func(ctx context.Context, in *deleteInput) (*struct{}, error) {
		return nil, s.deleteApplication(ctx, in.Name, in.Versions)
	})
	s.invokeRoute(tags)
	s.logRoute(tags)
}

// byApplication is an operation on an application that answers with it.
func (s *Server) byApplication(do func(context.Context, spec.Name) (spec.Application, error)) func(context.Context, *struct{ ByName }) (*one[spec.Application], error) {
	return func(ctx context.Context, in *struct{ ByName }) (*one[spec.Application], error) {
		a, err := do(ctx, in.Name)
		return &one[spec.Application]{a}, err
	}
}

type deleteInput struct {
	ByName
	Versions bool `query:"versions" doc:"Delete its stored versions too."`
}

func (s *Server) deleteApplication(ctx context.Context, name spec.Name, versions bool) error {
	if _, err := s.Store.Application(ctx, name); err != nil {
		return err
	}
	err := s.Fleet.Remove(ctx, name)
	if !versions {
		return err
	}
	if err != nil && !fail.Is(err, fail.NotFound) { // not found: no device holds it, or all are giving it up
		return err
	}
	if err := s.awaitRemoval(ctx, name); err != nil {
		return err
	}
	return s.deleteVersions(ctx, name)
}

// awaitRemoval waits until no device holds the application.
func (s *Server) awaitRemoval(ctx context.Context, name spec.Name) error {
	left := fail.New(fail.Conflict, "delete versions", "devices still hold it").On(string(name))
	ctx, cancel := context.WithTimeoutCause(ctx, s.timing.removal, left)
	defer cancel()
	err := s.Fleet.Watch(ctx, store.EventQuery{Application: name, After: newest}, func(store.StoredEvent) bool { return true }, func() (bool, error) {
		a, err := s.Store.Application(ctx, name)
		if err != nil || len(a.Placements) == 0 {
			return false, err
		}
		left.Err = errors.New("still held by " + devicesOf(a.Placements))
		left.Hint = "It goes as soon as they are connected; ask again then."
		return true, nil
	})
	if errors.Is(context.Cause(ctx), error(left)) {
		return left
	}
	if fail.Is(err, fail.NotFound) {
		return nil
	}
	return err
}

// newest is above every event's number: a watch from here on is only woken.
const newest = 1<<63 - 1

func devicesOf(placements []spec.Placement) string {
	names := make([]string, len(placements))
	for i, p := range placements {
		names[i] = string(p.Device)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (s *Server) deleteVersions(ctx context.Context, name spec.Name) error {
	for {
		list, err := s.Store.Versions(ctx, store.VersionQuery{Name: name}, store.Page{})
		if err != nil || len(list.Items) == 0 {
			return err
		}
		for _, v := range list.Items {
			if err := s.Store.DeleteVersion(ctx, name, v.Version); err != nil && !fail.Is(err, fail.NotFound) {
				return err
			}
		}
	}
}
