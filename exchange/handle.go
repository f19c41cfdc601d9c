package exchange

import (
	"errors"
	"fmt"
	"strings"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// errGoodbye is the client's wish to end.
var errGoodbye = errors.New("the client said GOODBYE")

// violation is something a client did that ends its session.
type violation struct {
	code wire.Code
	text string
}

func (v *violation) Error() string { return fmt.Sprintf("%v: %s", v.code, v.text) }

// FailKind classifies it for package fail.
func (v *violation) FailKind() fail.Kind {
	switch v.code {
	case wire.Unauthenticated:
		return fail.Unauthenticated
	case wire.BadVersion:
		return fail.Unsupported
	default:
		return fail.Invalid
	}
}

// violate answers ERROR and returns what ends the reader.
func (s *session) violate(code wire.Code, f wire.Frame, text string) error {
	s.answer(wire.AppendError(nil, f.ID, code, f.Type, "", text))
	return &violation{code, text}
}

// refuse answers ERROR; the session goes on.
func (s *session) refuse(code wire.Code, f wire.Frame, topic, text string) error {
	if code == wire.InvalidTopic {
		topic = clipped(topic)
	}
	s.answer(wire.AppendError(nil, f.ID, code, f.Type, topic, text))
	return nil
}

// answer pushes a frame to the session's own client, by its reader.
func (s *session) answer(frame []byte) {
	if s.push(frame) {
		s.pub.touched(s)
	}
}

// handle does what one frame asks for. s.mu is held. An error ends the session.
func (s *session) handle(f wire.Frame) error {
	if f.Type == wire.Publish && s.said && !f.Skip {
		return s.handlePublish(f)
	}
	if !s.said {
		return s.handleHello(f)
	}
	if f.Skip {
		if f.Type < wire.Extension {
			return s.refuse(wire.TooLarge, f, "", fmt.Sprintf("its body has %d bytes, %d are accepted", f.Length, s.router.opt.MaxBody))
		}
		return nil
	}
	if err := wire.CheckClient(f); err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	return s.dispatch(f)
}

func (s *session) dispatch(f wire.Frame) error {
	switch f.Type {
	case wire.Publish:
		return s.handlePublish(f)
	case wire.PublishTo:
		return s.handlePublishTo(f)
	case wire.Register:
		return s.handleRegister(f)
	case wire.Unregister:
		return s.handleUnregister(f)
	case wire.Subscribe:
		return s.handleSubscribe(f)
	case wire.Unsubscribe:
		return s.handleUnsubscribe(f)
	case wire.Request:
		return s.handleRequest(f)
	case wire.Reply:
		s.pub.touched(s.handleReply(f.ID, f.Body))
	case wire.Error:
		s.pub.touched(s.handleError(f))
	case wire.Ping:
		s.answer(wire.AppendPlain(nil, wire.Pong, f.ID, f.Body))
	case wire.Goodbye:
		return errGoodbye
	case wire.Hello:
		return s.violate(wire.Malformed, f, "HELLO was said before")
	default:
		return s.dispatchWorker(f)
	}
	return nil
}

// clipped shortens what is not a topic, for repeating it.
func clipped(text string) string {
	if len(text) <= 64 {
		return text
	}
	return strings.ToValidUTF8(text[:64], "") + "…"
}

// dispatchWorker handles the frames of functions, LOG, and what needs no answer.
func (s *session) dispatchWorker(f wire.Frame) error {
	switch f.Type {
	case wire.Ready, wire.Result, wire.Failure:
		if s.worker == nil || s.caps&wire.Functions == 0 {
			return s.refuse(wire.Unsupported, f, "", "this is not the link of a function's worker, or its HELLO did not name the capability functions")
		}
		s.worker.handle(f)
	case wire.Part:
		if s.worker == nil || s.caps&wire.Parts == 0 {
			return s.refuse(wire.Unsupported, f, "", "the capability parts was not agreed on")
		}
		return s.worker.part(f)
	case wire.Log:
		s.handleLog(f)
	case wire.Credit:
		return s.handleCredit(f)
	case wire.Pong:
	default:
		if f.Type < wire.Extension {
			return s.dispatchStores(f)
		}
	}
	return nil
}

// dispatchStores handles the frames of what is on disk; others are of
// capabilities that no session of this broker has.
func (s *session) dispatchStores(f wire.Frame) error {
	handle := map[wire.Type]func(*session, wire.Frame) error{
		wire.Store: (*session).handleStore, wire.Consume: (*session).handleConsume, wire.Forget: (*session).handleForget,
		wire.Ack: (*session).handleAck, wire.History: (*session).handleHistory,
		wire.Get: (*session).handleGet, wire.Put: (*session).handlePut, wire.Delete: (*session).handleDelete,
		wire.Watch: (*session).handleWatch, wire.Unwatch: (*session).handleUnwatch,
	}[f.Type]
	if handle == nil || !s.router.stores.open() {
		return s.refuse(wire.Unsupported, f, "", "the capability of this frame was not agreed on")
	}
	return handle(s, f)
}

func (s *session) handleLog(f wire.Frame) {
	level := int(min(f.ID, 3))
	switch {
	case s.worker != nil && s.worker.opt.OnLog != nil:
		s.worker.opt.OnLog(level, string(f.Body))
	case s.worker == nil && s.router.opt.OnLog != nil:
		s.router.opt.OnLog(s.app.name, level, string(f.Body))
	}
}
