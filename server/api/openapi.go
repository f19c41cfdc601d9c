package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/spec"
)

const about = `Everything that the command line and the console do goes through this API.

Requests carry ` + "`Authorization: Bearer TOKEN`" + `; browsers may exchange the token for a session in a cookie. Bodies are JSON where nothing else is said. Lists are ` + "`{\"items\": [...], \"next\": \"\"}`" + `; ` +
	"`next` is the `cursor` of the next page. Creating what is there already, with the same content, is no error. " +
	"Errors are problems (RFC 9457) with a stable `code`: see /docs/errors."

// humaConfig describes the API as a whole. huma's own routes, which load scripts
// from elsewhere, and its schema links are left out.
func humaConfig() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	// An amount of bytes is read from text in YAML; in JSON it is a number.
	registry.RegisterTypeAlias(reflect.TypeFor[spec.Bytes](), reflect.TypeFor[int64]())
	registry.Schema(reflect.TypeFor[Problem](), true, "")
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "Fescue API", Version: "1", Description: about, License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
			Components: &huma.Components{
				Schemas:         registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}},
			},
		},
		Formats:                      huma.DefaultFormats,
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{adoptErrors},
	}
}

// tidy takes out of the description what huma puts in by default: its own error
// records, which are answered as [Problem]s, and lists that may be null, which
// ours never are.
func tidy(o *huma.OpenAPI) *huma.OpenAPI {
	schemas := o.Components.Schemas.Map()
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	for _, s := range schemas {
		for _, property := range s.Properties {
			if property.Type == huma.TypeArray {
				property.Nullable = false
			}
		}
		s.PrecomputeMessages()
	}
	return o
}

// schemaOf is a reference to a record's schema.
func schemaOf(api huma.API, record any) *huma.Schema {
	return api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(record), true, "")
}

func binaryBody(text string) *huma.RequestBody {
	return &huma.RequestBody{Description: text, Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: bytesSchema()}}}
}

func binaryResponse(text string) *huma.Response {
	return &huma.Response{Description: text, Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: bytesSchema()}}}
}

func bytesSchema() *huma.Schema { return &huma.Schema{Type: huma.TypeString, Format: "binary"} }

func formSchema() *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"configuration", "artifact"}, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{
			"configuration": {Type: huma.TypeString, Description: "The text of fescue.yaml."},
			"artifact":      {Type: huma.TypeString, Format: "binary", Description: "The archive."},
			"devices":       {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, Description: "Where; without it the only device there is."},
		},
	}
}

// pageRoutes serves the description in its forms, and the pages made of it. They
// are made when first asked for: that is a third of the time to start, and memory
// that most servers never need.
func (s *Server) pageRoutes(o *huma.OpenAPI) {
	s.page("/openapi.json", "application/openapi+json", func() ([]byte, error) { return json.MarshalIndent(o, "", "  ") })
	s.page("/openapi.yaml", "application/openapi+yaml", func() ([]byte, error) { return o.YAML() })
	s.page("/docs", htmlType, func() ([]byte, error) { return apiPage(o), nil })
	s.page("/docs/errors", htmlType, func() ([]byte, error) { return errorsPage(), nil })
	if s.Schema != nil {
		s.page("/v1/schema/fescue.json", "application/schema+json", s.Schema)
	}
}

const htmlType = "text/html; charset=utf-8"

// page serves a text that tells nothing that is not public.
func (s *Server) page(path, kind string, render func() ([]byte, error)) {
	rendered := sync.OnceValues(render)
	s.mux.HandleFunc(http.MethodGet+" "+path, func(w http.ResponseWriter, _ *http.Request) {
		text, err := rendered()
		if err != nil {
			writeProblem(w, problemOf(err))
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Cache-Control", "no-cache")
		if kind == htmlType {
			h.Set("Content-Security-Policy", pagePolicy())
			h.Set("Referrer-Policy", "no-referrer")
		}
		_, _ = w.Write(text) // fails only when the client has gone
	})
}
