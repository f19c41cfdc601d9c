package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
)

const (
	invokeTimeout        = 30 * time.Second
	longestInvokeTimeout = time.Hour
	// maxPayload is the largest body of Data Xchange's messages.
	maxPayload = 1 << 20
)

type invokeInput struct {
	Exchanged
	ByName
	OnDevice
	Timeout string `query:"timeout" doc:"How long to wait: 500ms, 10s, 5m; default 30s, at most 1h." example:"10s"`
}

func (s *Server) invokeRoute(tags []string) {
	op := add(s, forAdmin, huma.Operation{
		OperationID: "invoke-application", Method: http.MethodPost, Path: "/v1/applications/{name}/invoke", Tags: tags,
		Summary: "Call a function",
		Description: "The body, of any kind and at most 1 MiB, is the event; the answer's body is what the handler returned. An exception of the handler is a problem " +
			"of the code `handler-failed` with its type, message and stack; a device that is not connected is `unavailable`; no answer in time is `timeout`.",
	}, s.invoke)
	op.RequestBody = binaryBody("The event.")
	op.RequestBody.Required = false
	op.Responses["200"] = binaryResponse("What the handler returned. Its content type is application/json or text/plain if it is such, else application/octet-stream.")
}

func (s *Server) invoke(ctx context.Context, in *invokeInput) (*huma.StreamResponse, error) {
	timeout, err := parseTimeout(in.Timeout, invokeTimeout, longestInvokeTimeout)
	if err != nil {
		return nil, err
	}
	payload, err := io.ReadAll(http.MaxBytesReader(in.w, in.r.Body, maxPayload))
	if err != nil {
		return nil, bodyError(err)
	}
	device, err := s.target(ctx, in.Name, in.Device)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	reply, err := fabric.Call[fabric.InvokeCall, fabric.InvokeReply](ctx, s.Control, device, fabric.VerbInvoke, fabric.InvokeCall{
		Application: in.Name, Payload: payload, ContentType: in.r.Header.Get("Content-Type"),
	})
	if err != nil {
		return nil, err
	}
	if reply.Failure != nil {
		return nil, handlerProblem(in.Name, reply.Failure)
	}
	return &huma.StreamResponse{Body: func(huma.Context) {
		in.w.Header().Set("Content-Type", kindOf(reply.Payload))
		_, _ = in.w.Write(reply.Payload) // fails only when the client has gone
	}}, nil
}

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fail.New(fail.TooLarge, "read body", "the body has more than %d bytes", tooLarge.Limit).WithHint("Send less at once.")
	}
	return newProblem(codeMalformed, "the body did not arrive as a whole: "+err.Error(), "Send it again.")
}

// kindOf is the content type of a payload: one that no browser will run.
func kindOf(payload []byte) string {
	switch {
	case json.Valid(payload):
		return "application/json"
	case utf8.Valid(payload):
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}
