package api

import (
	"context"
	"net/http"
	"regexp"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// publishBody bounds a payload in Base64.
const publishBody = maxPayload/3*4 + 4096

// PublishRequest is a message to publish.
type PublishRequest struct {
	Topic   spec.Topic `json:"topic" doc:"An MQTT topic, no wildcards." example:"poly/request"`
	Payload Payload    `json:"payload" doc:"In Base64; it may be empty."`
}

// Payload is bytes, in JSON Base64.
type Payload []byte

// Schema is huma's for bytes without its check, which refuses none.
func (Payload) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

// TopicList is the topics in use on a device.
type TopicList struct {
	Items  []fabric.TopicInfo  `json:"items"`
	Denied []fabric.DeniedInfo `json:"denied" doc:"What applications and clients wanted and may not, the most recent first."`
}

func (s *Server) deviceRoutes() {
	tags := []string{"Devices"}
	add(s, forAdmin, huma.Operation{
		OperationID: "list-devices", Method: http.MethodGet, Path: "/v1/devices", Tags: tags, Summary: "List devices",
	}, func(ctx context.Context, in *struct{ Paged }) (*listOf[spec.Device], error) {
		list, err := s.Fleet.Devices(ctx, in.page())
		return &listOf[spec.Device]{list}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "get-device", Method: http.MethodGet, Path: "/v1/devices/{id}", Tags: tags, Summary: "Tell of a device, and what it says of itself",
	}, func(ctx context.Context, in *struct{ ByDevice }) (*one[spec.Device], error) {
		d, err := s.Fleet.Device(ctx, in.ID)
		return &one[spec.Device]{d}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "change-device", Method: http.MethodPatch, Path: "/v1/devices/{id}", Tags: tags, Summary: "Change a device's labels",
		Description: "Labels that are not named stay; `null` removes one. What is given here stays, whatever labels the agent is started with.",
	}, s.changeDevice)
	add(s, forAdmin, huma.Operation{
		OperationID: "publish", Method: http.MethodPost, Path: "/v1/devices/{id}/publish", Tags: tags,
		Summary: "Publish a message on a device", MaxBodyBytes: publishBody,
	}, s.publish)
	op := add(s, forAdmin, huma.Operation{
		OperationID: "tail", Method: http.MethodGet, Path: "/v1/devices/{id}/tail", Tags: tags,
		Summary:     "Watch messages as they are published on a device",
		Description: "A stream of events `message`, and `dropped` where messages were lost because the client reads too slowly.",
	}, s.tail)
	op.Responses["200"] = &huma.Response{Description: "A stream of messages.", Content: map[string]*huma.MediaType{eventStream: {Schema: &huma.Schema{Type: huma.TypeString}}}}
	add(s, forAdmin, huma.Operation{
		OperationID: "list-topics", Method: http.MethodGet, Path: "/v1/devices/{id}/topics", Tags: tags, Summary: "List the topics in use on a device",
	}, s.topics)
	s.agentRoutes([]string{"For agents"})
}

func (s *Server) publish(ctx context.Context, in *struct {
	ByDevice
	Body PublishRequest
}) (*struct{}, error) {
	if err := in.Body.Topic.Validate(); err != nil {
		return nil, invalidField("topic", err)
	}
	if len(in.Body.Payload) > maxPayload {
		return nil, fail.New(fail.TooLarge, "publish", "the payload has more than %d bytes", maxPayload)
	}
	if _, err := s.Store.Device(ctx, in.ID); err != nil {
		return nil, err
	}
	_, err := fabric.Call[fabric.PublishCall, fabric.PublishReply](ctx, s.Control, in.ID, fabric.VerbPublish, fabric.PublishCall{
		Topic: in.Body.Topic, Payload: in.Body.Payload,
	})
	return nil, err
}

type tailInput struct {
	Exchanged
	ByDevice
	Filter spec.Filter `query:"filter" default:"#" doc:"An MQTT topic filter." example:"poly/#"`
}

func (s *Server) tail(ctx context.Context, in *tailInput) (*huma.StreamResponse, error) {
	if err := in.Filter.Validate(); err != nil {
		return nil, invalidField("query.filter", err)
	}
	if _, err := s.Store.Device(ctx, in.ID); err != nil {
		return nil, err
	}
	return relay(s, &in.Exchanged, "tail", func(ctx context.Context) (*fabric.Stream[spec.Message], error) {
		return fabric.OpenStream[fabric.TailCall, spec.Message](ctx, s.Control, in.ID, fabric.VerbTail, fabric.TailCall{Filter: in.Filter})
	}, func(out *stream, m spec.Message) bool { return out.send("message", "", m) })
}

func (s *Server) topics(ctx context.Context, in *struct{ ByDevice }) (*one[TopicList], error) {
	if _, err := s.Store.Device(ctx, in.ID); err != nil {
		return nil, err
	}
	reply, err := fabric.Call[fabric.TopicsCall, fabric.TopicsReply](ctx, s.Control, in.ID, fabric.VerbTopics, fabric.TopicsCall{})
	return &one[TopicList]{TopicList{append([]fabric.TopicInfo{}, reply.Topics...), append([]fabric.DeniedInfo{}, reply.Denied...)}}, err
}

// agentRoutes are what agents ask.
func (s *Server) agentRoutes(tags []string) {
	add(s, forDevice, huma.Operation{
		OperationID: "get-desired", Method: http.MethodGet, Path: "/v1/device/desired", Tags: tags, Summary: "Tell what the asking device should run",
	}, func(ctx context.Context, _ *struct{}) (*one[spec.Desired], error) {
		d, err := s.Fleet.Desired(ctx, deviceOf(ctx))
		return &one[spec.Desired]{d}, err
	})
	add(s, forDevice, huma.Operation{
		OperationID: "put-device", Method: http.MethodPut, Path: "/v1/device", Tags: tags,
		Summary: "Register the asking device, or bring what it says of itself up to date", MaxBodyBytes: 1 << 20,
	}, func(ctx context.Context, in *struct{ Body DeviceReport }) (*one[spec.Device], error) {
		if id := deviceOf(ctx); in.Body.ID != id {
			return nil, fail.New(fail.Denied, "register device", "the token is that of device %s", id).On(clip(string(in.Body.ID), 64)).
				WithHint("Each device has a token of its own.")
		}
		d, err := s.Fleet.RegisterDevice(ctx, spec.Device{
			ID: in.Body.ID, Platform: in.Body.Platform, Agent: in.Body.Agent, Labels: in.Body.Labels, Facts: in.Body.Facts,
		})
		return &one[spec.Device]{d}, err
	})
}

// DeviceReport is what a device says of itself.
type DeviceReport struct {
	_        struct{}          `additionalProperties:"true"` // agents send whole device records
	ID       spec.DeviceID     `json:"id"`
	Platform spec.Platform     `json:"platform"`
	Agent    string            `json:"agent" doc:"Version of the agent."`
	Labels   map[string]string `json:"labels,omitempty"`
	Facts    map[string]string `json:"facts,omitempty" doc:"What the device found out about itself."`
}

// DeviceChange is what is changed of a device.
type DeviceChange struct {
	Labels LabelChanges `json:"labels" doc:"Values by name; null removes a label."`
}

// LabelChanges are labels to set, or, with null, to remove.
type LabelChanges map[string]*string

// Schema is huma's for a map with values that may be null, which it has no word for.
func (LabelChanges) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: &huma.Schema{Type: huma.TypeString, Nullable: true}}
}

// maxLabel bounds a label's name and its value, in bytes.
const maxLabel = 100

func (s *Server) changeDevice(ctx context.Context, in *struct {
	ByDevice
	Body DeviceChange
}) (*one[spec.Device], error) {
	for name, value := range in.Body.Labels {
		if !labelName.MatchString(name) || value != nil && (len(*value) > maxLabel || !utf8.ValidString(*value)) {
			return nil, invalidField("labels", fail.New(fail.Invalid, "", "%q cannot be a label with this value", clip(name, 50)).
				WithHint("A name has letters, digits, dots, dashes and slashes; name and value have at most %d bytes.", maxLabel))
		}
	}
	d, err := s.Fleet.LabelDevice(ctx, in.ID, store.Labels(in.Body.Labels))
	return &one[spec.Device]{d}, err
}

// labelName is what a label can be called.
var labelName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/-]{0,98}[A-Za-z0-9])?$`)
