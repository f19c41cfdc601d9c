package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// servePause is how long the agent waits before it offers its calls again, when
// the fabric did not take them.
const servePause = time.Second

// serveCalls answers calls until ctx ends.
func (a *Agent) serveCalls(ctx context.Context) {
	for ctx.Err() == nil {
		stop, err := a.offerCalls(ctx)
		if err == nil {
			<-ctx.Done()
			stop()
			return
		}
		stop()
		a.Log.Warn("the device does not answer calls yet: trying again", "error", err)
		a.pause(ctx, jitter(servePause), nil, complete)
	}
}

// offerCalls starts all of them; stop ends those that were started.
func (a *Agent) offerCalls(ctx context.Context) (stop func(), err error) {
	var stops []func()
	stop = func() {
		var all sync.WaitGroup // each may wait some seconds for its handlers
		for _, s := range stops {
			all.Go(s)
		}
		all.Wait()
	}
	for _, offer := range []func() (func(), error){
		func() (func(), error) {
			return fabric.Serve(ctx, a.Control, a.Device, fabric.VerbInvoke, a.invoke)
		},
		func() (func(), error) {
			return fabric.Serve(ctx, a.Control, a.Device, fabric.VerbPublish, a.publish)
		},
		func() (func(), error) {
			return fabric.Serve(ctx, a.Control, a.Device, fabric.VerbTopics, a.topics)
		},
		func() (func(), error) {
			return fabric.Serve(ctx, a.Control, a.Device, fabric.VerbStatus, a.status)
		},
		func() (func(), error) {
			return fabric.Serve(ctx, a.Control, a.Device, fabric.VerbState, a.stateOf)
		},
		func() (func(), error) {
			return fabric.ServeStream(ctx, a.Control, a.Device, fabric.VerbTail, a.tail)
		},
		func() (func(), error) {
			return fabric.ServeStream(ctx, a.Control, a.Device, fabric.VerbLogs, a.logLines)
		},
	} {
		s, err := offer()
		if err != nil {
			return stop, err
		}
		stops = append(stops, s)
	}
	return stop, nil
}

// invoke calls a function. An exception of its handler is a reply, anything else
// that went wrong an error.
func (a *Agent) invoke(ctx context.Context, c fabric.InvokeCall) (fabric.InvokeReply, error) {
	result, err := a.Engine.Invoke(ctx, c.Application, c.ContentType, c.Payload)
	var exception *exchange.HandlerError
	if errors.As(err, &exception) {
		return fabric.InvokeReply{Failure: &fabric.HandlerFailure{
			Type: exception.Type, Message: exception.Message, Stack: exception.Stack,
		}}, nil
	}
	return fabric.InvokeReply{Payload: result}, err
}

// publish gives a message to the device's own topics, in the agent's name. Where the topic is
// kept, it is on disk when this returns.
func (a *Agent) publish(ctx context.Context, c fabric.PublishCall) (fabric.PublishReply, error) {
	client, err := a.Exchange.Local("")
	if err != nil {
		return fabric.PublishReply{}, err
	}
	defer func() { _ = client.Close() }()
	err = client.Store(ctx, c.Topic, c.Payload, "")
	if fail.Is(err, fail.NotFound) { // nobody keeps it
		err = client.Publish(c.Topic, c.Payload)
	}
	return fabric.PublishReply{}, err
}

func (a *Agent) topics(context.Context, fabric.TopicsCall) (fabric.TopicsReply, error) {
	reply := fabric.TopicsReply{Topics: []fabric.TopicInfo{}}
	for _, t := range a.Exchange.Topics() {
		reply.Topics = append(reply.Topics, fabric.TopicInfo{
			Topic: t.Topic, Publishers: t.Publishers, Subscribers: t.Subscribers, Messages: t.Messages,
			PublishedBy: t.PublishedBy, SubscribedBy: t.SubscribedBy,
			Last: t.Last.Payload, LastSize: t.Last.Size, LastAt: t.Last.Time,
		})
	}
	for _, d := range a.Exchange.Denials() {
		reply.Denied = append(reply.Denied, fabric.DeniedInfo{
			Who: string(d.Application), Credential: d.Credential, Kind: string(d.Kind), Topic: d.Topic, Count: d.Count, Last: d.Last,
		})
	}
	return reply, nil
}

func (a *Agent) status(context.Context, fabric.StatusCall) (fabric.StatusReply, error) {
	figures := map[spec.Name]exchange.ApplicationStats{}
	for _, s := range a.Exchange.Stats().Applications {
		figures[s.Application] = s
	}
	reply := fabric.StatusReply{
		Device: a.Device, Agent: a.Version, StartedAt: a.startedAt,
		Revision: a.applied.Load(), Applications: []fabric.ApplicationStatus{},
	}
	for _, p := range a.Engine.Status() {
		f := figures[p.Name]
		reply.Applications = append(reply.Applications, fabric.ApplicationStatus{
			Name: p.Name, Version: p.Actual, State: p.State, Message: p.Message,
			Sessions: len(f.Sessions), In: f.In, Out: f.Out, Dropped: f.Dropped, Denied: f.Denied,
		})
	}
	return reply, nil
}
