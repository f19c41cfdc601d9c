package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// configurationBody bounds JSON that holds a configuration: its text, every
// character escaped.
const configurationBody = 6*spec.MaxConfigurationBytes + 4096

// ConfigurationRequest is a configuration to store.
type ConfigurationRequest struct {
	Text     string      `json:"text" doc:"The text of fescue.yaml."`
	Artifact spec.Digest `json:"artifact" doc:"Digest of the artifact that it goes with."`
}

// CheckRequest is a configuration to check.
type CheckRequest struct {
	Text     string      `json:"text" doc:"The text of fescue.yaml."`
	Artifact spec.Digest `json:"artifact,omitempty" doc:"With it, the files that the configuration names are looked for."`
}

// CheckResult is what a check found.
type CheckResult struct {
	Faults        []spec.Fault        `json:"faults" doc:"What is wrong; empty: the configuration can be stored."`
	Warnings      []string            `json:"warnings" doc:"What is allowed but looks unintended."`
	Configuration *spec.Configuration `json:"configuration,omitempty" doc:"Decoded, with defaults; only without faults."`
}

// ByVersion is a version in a query.
type ByVersion struct {
	Version spec.Version `query:"version" doc:"A version; without it the latest." example:"1.0.0"`
}

func (s *Server) configurationRoutes() {
	tags := []string{"Configurations"}
	op := add(s, forAdmin, huma.Operation{
		OperationID: "create-configuration", Method: http.MethodPost, Path: "/v1/configurations", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Check a configuration and store it with its artifact", MaxBodyBytes: configurationBody,
		Description: "Makes a version of an application, which never changes again: 201 when it is new, 200 when the same is there, a conflict when the version has other content. " +
			"What is wrong with the text comes back as `faults`, all of it at once.",
	}, func(ctx context.Context, in *struct{ Body ConfigurationRequest }) (*madeOr[spec.ApplicationVersion], error) {
		v, created, err := s.createConfiguration(ctx, in.Body.Text, in.Body.Artifact)
		if err != nil {
			return nil, err
		}
		return made(v, created), nil
	})
	op.Responses["200"] = &huma.Response{Description: "It was there already.", Content: op.Responses["201"].Content}
	add(s, forAdmin, huma.Operation{
		OperationID: "check-configuration", Method: http.MethodPost, Path: "/v1/configurations/check", Tags: tags,
		Summary: "Tell what is wrong with a configuration", Description: "Stores nothing.", MaxBodyBytes: configurationBody,
	}, s.checkConfiguration)
	add(s, forAdmin, huma.Operation{
		OperationID: "list-configurations", Method: http.MethodGet, Path: "/v1/configurations", Tags: tags, Summary: "List stored configurations, oldest first",
	}, func(ctx context.Context, in *struct {
		Paged
		HeldBy
		Name spec.Name `query:"name" doc:"Only of this application."`
	}) (*listOf[spec.ApplicationVersion], error) {
		list, err := s.Store.Versions(ctx, store.VersionQuery{Name: in.Name, Device: in.Device}, in.page())
		return &listOf[spec.ApplicationVersion]{list}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "get-configuration", Method: http.MethodGet, Path: "/v1/configurations/{name}", Tags: tags, Summary: "Get a stored configuration",
	}, func(ctx context.Context, in *struct {
		ByName
		ByVersion
	}) (*one[spec.ApplicationVersion], error) {
		v, err := s.Store.Version(ctx, in.Name, in.Version)
		return &one[spec.ApplicationVersion]{v}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "delete-configuration", Method: http.MethodDelete, Path: "/v1/configurations/{name}/{version}", Tags: tags,
		Summary: "Delete a stored configuration", Description: "A conflict while a device holds this version.",
	}, func(ctx context.Context, in *struct {
		ByName
		Version spec.Version `path:"version" doc:"The version." example:"1.0.0"`
	}) (*struct{}, error) {
		return nil, s.Store.DeleteVersion(ctx, in.Name, in.Version)
	})
}

func (s *Server) createConfiguration(ctx context.Context, text string, d spec.Digest) (spec.ApplicationVersion, bool, error) {
	const op = "store configuration"
	has, err := s.filesOf(ctx, d)
	if err != nil {
		return spec.ApplicationVersion{}, false, err
	}
	checked, err := s.Fleet.Check(ctx, []byte(text), has)
	if err != nil {
		return spec.ApplicationVersion{}, false, err
	}
	if len(checked.Faults) > 0 {
		return spec.ApplicationVersion{}, false, fail.Wrap(checked.Faults, fail.Invalid, op, "")
	}
	return s.Store.CreateVersion(ctx, checked.Configuration, text, d)
}

// filesOf tells which files an artifact has. That it is not there is the fault
// of the request that names it.
func (s *Server) filesOf(ctx context.Context, d spec.Digest) (has func(string) bool, err error) {
	const op = "read artifact"
	if err := d.Validate(); err != nil {
		return nil, fail.Wrap(err, fail.Invalid, op, string(d))
	}
	if _, err := s.Store.Artifact(ctx, d); fail.Is(err, fail.NotFound) {
		return nil, fail.New(fail.Invalid, op, "there is no such artifact").On(string(d)).WithHint("Send the artifact first.")
	} else if err != nil {
		return nil, err
	}
	contents, err := s.contents(ctx, d)
	return contents.Has, err
}

func (s *Server) checkConfiguration(ctx context.Context, in *struct{ Body CheckRequest }) (*one[CheckResult], error) {
	var has func(string) bool
	if d := in.Body.Artifact; d != "" {
		var err error
		if has, err = s.filesOf(ctx, d); err != nil {
			return nil, err
		}
	}
	checked, err := s.Fleet.Check(ctx, []byte(in.Body.Text), has)
	if err != nil {
		return nil, err
	}
	r := CheckResult{Faults: append([]spec.Fault{}, checked.Faults...), Warnings: append([]string{}, checked.Warnings...)}
	if len(r.Faults) == 0 {
		r.Configuration = checked.Configuration
	}
	return &one[CheckResult]{r}, nil
}
