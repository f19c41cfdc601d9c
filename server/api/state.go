package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/spec"
)

// StateList is a part of an application's keys on a device.
type StateList struct {
	Device spec.DeviceID     `json:"device"`
	Items  []fabric.StateKey `json:"items"`
	Next   string            `json:"next" doc:"The cursor of the next page; empty on the last."`
	Used   int64             `json:"used" doc:"Bytes that all keys and values take."`
	Quota  int64             `json:"quota" doc:"Bytes that they may take: limits.state."`
}

// StateValue is what a key holds.
type StateValue struct {
	Key      string    `json:"key"`
	Value    Payload   `json:"value" doc:"In Base64."`
	Revision uint64    `json:"revision" doc:"Rises with each change."`
	Time     time.Time `json:"time,omitzero" doc:"Of the last change."`
}

// StateChange is a value to store.
type StateChange struct {
	Value    Payload `json:"value" doc:"In Base64; it may be empty."`
	TTL      string  `json:"ttl,omitempty" doc:"How long it is kept: 10s, 24h; for ever if left out."`
	Revision *uint64 `json:"revision,omitempty" doc:"Only if the key has this revision; 0: only if there is no such key."`
}

// ByKey is a key of an application's state on a device.
type ByKey struct {
	ByName
	OnDevice
	Key string `query:"key" required:"true" doc:"The key." example:"rooms/kitchen"`
}

const oneValue = "/v1/applications/{name}/state/value"

func (s *Server) stateRoutes() {
	tags := []string{"State"}
	add(s, forAdmin, huma.Operation{
		OperationID: "list-state", Method: http.MethodGet, Path: "/v1/applications/{name}/state", Tags: tags, Summary: "List the keys of an application's state on a device",
	}, s.listState)
	add(s, forAdmin, huma.Operation{
		OperationID: "get-state", Method: http.MethodGet, Path: oneValue, Tags: tags, Summary: "Read a key of an application's state",
	}, func(ctx context.Context, in *struct{ ByKey }) (*one[StateValue], error) {
		reply, err := s.callState(ctx, in.ByKey, fabric.StateCall{Operation: fabric.StateGet})
		return &one[StateValue]{StateValue{Key: in.Key, Value: reply.Value, Revision: reply.Revision, Time: reply.Time}}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "put-state", Method: http.MethodPut, Path: oneValue, Tags: tags, Summary: "Write a key of an application's state", MaxBodyBytes: publishBody,
	}, func(ctx context.Context, in *struct {
		ByKey
		Body StateChange
	}) (*one[StateValue], error) {
		call := fabric.StateCall{Operation: fabric.StatePut, Value: in.Body.Value, Revision: in.Body.Revision}
		if in.Body.TTL != "" {
			if err := call.TTL.UnmarshalText([]byte(in.Body.TTL)); err != nil {
				return nil, invalidField("ttl", err)
			}
		}
		reply, err := s.callState(ctx, in.ByKey, call)
		return &one[StateValue]{StateValue{Key: in.Key, Value: in.Body.Value, Revision: reply.Revision}}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "delete-state", Method: http.MethodDelete, Path: oneValue, Tags: tags, Summary: "Delete a key of an application's state",
		Description: "That there is none is no error.",
	}, func(ctx context.Context, in *struct{ ByKey }) (*struct{}, error) {
		_, err := s.callState(ctx, in.ByKey, fabric.StateCall{Operation: fabric.StateDelete})
		return nil, err
	})
}

func (s *Server) listState(ctx context.Context, in *struct {
	ByName
	OnDevice
	Prefix string `query:"prefix" doc:"Only keys that begin with this." example:"rooms/"`
	Cursor string `query:"cursor" doc:"The field next of the page before."`
	Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}) (*one[StateList], error) {
	device, err := s.target(ctx, in.Name, in.Device)
	if err != nil {
		return nil, err
	}
	reply, err := fabric.Call[fabric.StateCall, fabric.StateReply](ctx, s.Control, device, fabric.VerbState, fabric.StateCall{
		Application: in.Name, Operation: fabric.StateList, Key: in.Prefix, After: in.Cursor, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	list := StateList{Device: device, Items: append([]fabric.StateKey{}, reply.Keys...), Used: reply.Used, Quota: reply.Quota}
	if reply.More {
		list.Next = reply.Keys[len(reply.Keys)-1].Key
	}
	return &one[StateList]{list}, nil
}

// callState asks the device that is meant.
func (s *Server) callState(ctx context.Context, at ByKey, call fabric.StateCall) (r fabric.StateReply, err error) {
	device, err := s.target(ctx, at.Name, at.Device)
	if err != nil {
		return r, err
	}
	call.Application, call.Key = at.Name, at.Key
	return fabric.Call[fabric.StateCall, fabric.StateReply](ctx, s.Control, device, fabric.VerbState, call)
}
