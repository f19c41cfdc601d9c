package fescue

import "fescue.dev/fescue/exchange/wire"

// Code classifies an [Error]; it is an error itself, for errors.Is.
type Code uint16

// The codes: those of the protocol, and those of this side.
const (
	Malformed       = Code(wire.Malformed)
	BadVersion      = Code(wire.BadVersion)
	Unauthenticated = Code(wire.Unauthenticated)
	Denied          = Code(wire.Denied)
	InvalidTopic    = Code(wire.InvalidTopic)
	TooLarge        = Code(wire.TooLarge)
	UnknownID       = Code(wire.UnknownID)
	Limit           = Code(wire.Limit)
	NoResponder     = Code(wire.NoResponder)
	Timeout         = Code(wire.Timeout)
	Overflow        = Code(wire.Overflow)
	Unsupported     = Code(wire.Unsupported)
	Internal        = Code(wire.Internal) // also: the responder of a request failed
	NotFound        = Code(wire.NotFound)
	Conflict        = Code(wire.Conflict)
	Quota           = Code(wire.Quota)
	Storage         = Code(wire.Storage)
	NotKept         = Code(wire.NotKept)

	ConnectionLost Code = 0x8000 // there is no link to Data Xchange
	Closed         Code = 0x8001 // the client, or what was read from, was closed by this program
	Misconfigured  Code = 0x8002 // the environment or the options are not what they should be
)

// Error is the code's name.
func (c Code) Error() string {
	switch c {
	case ConnectionLost:
		return "connection-lost"
	case Closed:
		return "closed"
	case Misconfigured:
		return "misconfigured"
	}
	return wire.Code(c).String()
}

// hint is what to do about an error, or "".
func (c Code) hint() string {
	switch c {
	case BadVersion:
		return "update the SDK, or the agent"
	case Denied:
		return "name the topic in fescue.yaml under resources.publish or resources.subscribe, and deploy"
	case InvalidTopic:
		return "levels are parted by '/'; '+' and '#' stand alone in a level, '#' last, and only in filters"
	case TooLarge:
		return "send large data in parts, or by a file in FESCUE_DATA"
	case NoResponder:
		return "is the application that answers it running?"
	case Overflow:
		return "subscribe with a longer queue, or with policy Block"
	case NotKept:
		return "name it in fescue.yaml under resources.keep, and deploy"
	case ConnectionLost:
		return "Data Xchange is part of the agent: is `fescue up` or `fescue agent` running?"
	}
	return ""
}

// Error is any failure that this package tells.
type Error struct {
	Code  Code
	Topic string // or key, or ""
	Text  string
}

// Error is the text, and what to do.
func (e *Error) Error() string {
	text := e.Text
	if text == "" {
		text = e.Code.Error()
	}
	if hint := e.Code.hint(); hint != "" {
		text += " (" + hint + ")"
	}
	return text
}

// Unwrap is the code.
func (e *Error) Unwrap() error { return e.Code }

func failed(code Code, topic, text string) error { return &Error{Code: code, Topic: topic, Text: text} }
