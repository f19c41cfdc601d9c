package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// smallBody bounds bodies of operations that say nothing else.
const smallBody = 64 << 10

// unwrap gives the plain request and response behind huma's context.
func unwrap(ctx huma.Context) (*http.Request, http.ResponseWriter) { return humago.Unwrap(ctx) }

// Exchanged is exported, as the other inputs here, because huma finds parameters
// through exported fields alone. It is embedded in the input of operations that read the body, or write
// the answer, piece by piece; huma leaves both alone then.
type Exchanged struct {
	r *http.Request
	w http.ResponseWriter
}

// Resolve is called by huma before the operation.
func (x *Exchanged) Resolve(ctx huma.Context) []error {
	x.r, x.w = unwrap(ctx)
	return nil
}

// add adds an operation to the API: who may use it, what huma needs to know of
// it, and its handler, whose errors become problems.
func add[I, O any](s *Server, who access, op huma.Operation, handle func(context.Context, *I) (*O, error)) *huma.Operation {
	op.Metadata = map[string]any{}
	if who != "" {
		op.Metadata[accessKey] = who
		op.Security = []map[string][]string{{"token": {}}}
		op.Description += roleNote(who)
	}
	op.BodyReadTimeout = -1 // the body has a deadline of its own, see upload
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = smallBody
	}
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["default"] = &huma.Response{Description: "A problem.", Content: map[string]*huma.MediaType{problemType: {
		Schema: &huma.Schema{Ref: "#/components/schemas/Problem"},
	}}}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.answer(ctx, op.OperationID, err)
		}
		return out, nil
	})
	return registered(s.api.OpenAPI(), op.Method, op.Path)
}

func roleNote(who access) string {
	switch who {
	case forDevice:
		return "\n\nFor a device's token."
	case forEither:
		return "\n\nFor an admin's or a device's token."
	}
	return ""
}

// registered finds the operation again, to describe what huma cannot know.
func registered(o *huma.OpenAPI, method, path string) *huma.Operation {
	item := o.Paths[path]
	switch method {
	case http.MethodGet:
		return item.Get
	case http.MethodPost:
		return item.Post
	case http.MethodPut:
		return item.Put
	case http.MethodPatch:
		return item.Patch
	}
	return item.Delete
}

// answer is the problem for err. This is where errors end: a fault of our own is
// logged, everything else is the caller's to know.
func (s *Server) answer(ctx context.Context, operation string, err error) *Problem {
	p := problemOf(err)
	if p.Code == Code(fail.Internal.String()) && ctx.Err() == nil {
		s.Log.Error("the API failed", "operation", operation, "error", err)
	}
	return p
}

// Inputs that many operations share.

// ByName is the name in a path.
type ByName struct {
	Name spec.Name `path:"name" doc:"The application's name." example:"hello"`
}

// Resolve refuses what cannot be a name.
func (n *ByName) Resolve(huma.Context) []error { return refused("path.name", n.Name.Validate()) }

// ByDevice is the device in a path.
type ByDevice struct {
	ID spec.DeviceID `path:"id" doc:"The device's name." example:"kitchen-pi"`
}

// Resolve refuses what cannot be a device's name.
func (d *ByDevice) Resolve(huma.Context) []error { return refused("path.id", d.ID.Validate()) }

// HeldBy narrows a list to what a device holds.
type HeldBy struct {
	Device spec.DeviceID `query:"device" doc:"Only what this device holds." example:"kitchen-pi"`
}

// Resolve refuses what cannot be a device's name.
func (d *HeldBy) Resolve(huma.Context) []error {
	if d.Device == "" {
		return nil
	}
	return refused("query.device", d.Device.Validate())
}

// ByDigest is the digest in a path.
type ByDigest struct {
	Digest spec.Digest `path:"digest" doc:"sha256: and 64 hexadecimal digits."`
}

// Resolve refuses what cannot be a digest.
func (d *ByDigest) Resolve(huma.Context) []error {
	return refused("path.digest", d.Digest.Validate())
}

func refused(location string, err error) []error {
	if err == nil {
		return nil
	}
	return []error{&huma.ErrorDetail{Location: location, Message: err.Error() + ": " + fail.HintOf(err)}}
}
