package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// readJSON reads a body that huma leaves to the operation.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var tooLarge *http.MaxBytesError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return err
	case errors.As(err, &kind):
		return invalidField(kind.Field, errors.New("expected "+kind.Type.String()+", got "+kind.Value))
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		return invalidField(strings.Trim(strings.TrimPrefix(err.Error(), "json: unknown field "), `"`), errors.New("there is no such field"))
	}
	return newProblem(codeMalformed, "the body is not JSON: "+err.Error(), "The API's description is at /docs.")
}

func invalidField(field string, err error) error {
	return spec.Faults{{Field: field, Message: err.Error(), Suggestion: fail.HintOf(err)}}
}

// maxDevices bounds what one deployment names; package api's DeployRequest says
// the same in its description.
const maxDevices = 1000

// form is a deployment that comes as multipart/form-data, as far as it was read.
type form struct {
	text     *string
	artifact spec.Digest
	created  bool // the artifact is new with this request
	devices  []spec.DeviceID
}

// readForm stores what the parts bring and names the version they make. When it
// fails, an artifact that came with it does not stay.
func (s *Server) readForm(ctx context.Context, body io.Reader, boundary string) (r DeployRequest, err error) {
	if boundary == "" {
		return r, newProblem(codeMalformed, "the content type has no boundary", "Let your HTTP library write the form.")
	}
	f := &form{}
	defer func() {
		if err != nil && f.created {
			// Without the request's end: the client may have gone.
			s.forget(context.WithoutCancel(ctx), f.artifact)
		}
	}()
	if err := s.readParts(ctx, multipart.NewReader(body, boundary), f); err != nil {
		return r, err
	}
	switch {
	case f.text == nil:
		return r, missingPart("configuration", "the text of fescue.yaml")
	case f.artifact == "":
		return r, missingPart("artifact", "the archive")
	}
	v, _, err := s.createConfiguration(ctx, *f.text, f.artifact)
	return DeployRequest{Name: v.Name, Version: v.Version, Devices: f.devices}, err
}

func missingPart(name, what string) error {
	return spec.Faults{{Field: name, Message: "the form has no such part", Suggestion: "Add it: " + what + "."}}
}

func (s *Server) readParts(ctx context.Context, parts *multipart.Reader, f *form) error {
	for {
		part, err := parts.NextPart()
		if err == io.EOF { // the end as it is; wrapped, it is a form that broke off
			return nil
		}
		if err != nil {
			return brokenForm(err)
		}
		if err := s.readPart(ctx, part, f); err != nil {
			return err
		}
	}
}

func (s *Server) readPart(ctx context.Context, part *multipart.Part, f *form) (err error) {
	switch name := part.FormName(); name {
	case "artifact":
		if f.artifact != "" {
			return twice(name)
		}
		a, created, err := s.storeArtifact(ctx, part, "")
		f.artifact, f.created = a.Digest, created
		return err
	case "configuration":
		if f.text != nil {
			return twice(name)
		}
		text, err := readPartText(part, spec.MaxConfigurationBytes)
		f.text = &text
		return err
	case "devices":
		text, err := readPartText(part, smallBody)
		for id := range strings.SplitSeq(text, ",") {
			if id = strings.TrimSpace(id); id != "" {
				f.devices = append(f.devices, spec.DeviceID(id))
			}
		}
		if len(f.devices) > maxDevices {
			return fail.New(fail.TooLarge, "read form", "more than %d devices are named", maxDevices)
		}
		return err
	default:
		return spec.Faults{{Field: clip(name, 100), Message: "a deployment has no such part", Suggestion: "Its parts are configuration, artifact and devices."}}
	}
}

func twice(name string) error {
	return spec.Faults{{Field: name, Message: "the form has this part twice"}}
}

func readPartText(part *multipart.Part, limit int) (string, error) {
	b, err := io.ReadAll(io.LimitReader(part, int64(limit)+1))
	if err != nil {
		return "", brokenForm(err)
	}
	if len(b) > limit {
		return "", fail.New(fail.TooLarge, "read form", "the part %s has more than %d bytes", part.FormName(), limit)
	}
	return string(b), nil
}

func brokenForm(err error) error {
	return newProblem(codeMalformed, "the form cannot be read: "+err.Error(), "Send it again; it did not arrive as a whole.")
}

// forget removes an artifact that nothing uses.
func (s *Server) forget(ctx context.Context, d spec.Digest) {
	if err := s.deleteArtifact(ctx, d); err != nil && !fail.Is(err, fail.Conflict) && !fail.Is(err, fail.NotFound) {
		s.Log.Warn("an artifact of a deployment that was refused stays behind", "digest", d, "error", err)
	}
}
