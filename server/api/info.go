package api

import (
	"context"
	"net/http"
	"runtime"

	"github.com/danielgtaylor/huma/v2"
)

// ServerInfo is what the server says of itself.
type ServerInfo struct {
	Version  string         `json:"version" doc:"Of the binary."`
	Platform string         `json:"platform" example:"linux/arm64"`
	Database string         `json:"database" enum:"sqlite,postgres"`
	Counts   map[string]int `json:"counts" doc:"How many are stored: artifacts, configurations, applications, deployments, devices."`
}

// Health is the answer of a health check.
type Health struct {
	Status string `json:"status" enum:"ok"`
}

func (s *Server) serverRoutes() {
	tags := []string{"Server"}
	add(s, forAdmin, huma.Operation{
		OperationID: "get-server", Method: http.MethodGet, Path: "/v1/server", Tags: tags, Summary: "Tell of the server",
	}, func(ctx context.Context, _ *struct{}) (*one[ServerInfo], error) {
		counts, err := s.Store.Counts(ctx)
		return &one[ServerInfo]{ServerInfo{
			Version: s.Version, Platform: runtime.GOOS + "/" + runtime.GOARCH, Database: s.Store.Kind(), Counts: counts,
		}}, err
	})
	add(s, "", huma.Operation{
		OperationID: "healthz", Method: http.MethodGet, Path: "/healthz", Tags: tags, Summary: "Tell that the process answers",
	}, func(context.Context, *struct{}) (*one[Health], error) {
		return &one[Health]{Health{"ok"}}, nil
	})
	add(s, "", huma.Operation{
		OperationID: "readyz", Method: http.MethodGet, Path: "/readyz", Tags: tags, Summary: "Tell that the database can be reached",
	}, func(ctx context.Context, _ *struct{}) (*one[Health], error) {
		return &one[Health]{Health{"ok"}}, s.Store.Ping(ctx)
	})
}
