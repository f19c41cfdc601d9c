package wire

import "fmt"

// Version is the version of the protocol that this package speaks.
const Version = 1

// Sizes in bytes.
const (
	HeaderSize  = 8
	MaxLength   = 1<<24 - 1 // the largest length a header can state
	DefaultBody = 1 << 20   // largest body accepted unless a greeting says otherwise
	MinBody     = 64        // smallest value a greeting may state for it
	MaxPing     = 64        // largest body of PING and PONG
	MaxTopic    = 1024      // longest topic or filter
	MaxID       = 65535     // largest topic and subscription id
)

// Type says what a frame is.
type Type uint8

// The frame types of version 1.
const (
	Hello       Type = 0x01
	Welcome     Type = 0x02
	Error       Type = 0x03
	Ping        Type = 0x04
	Pong        Type = 0x05
	Goodbye     Type = 0x06
	OK          Type = 0x07
	Register    Type = 0x10
	Unregister  Type = 0x11
	Subscribe   Type = 0x12
	Unsubscribe Type = 0x13
	Publish     Type = 0x20
	PublishTo   Type = 0x21
	Message     Type = 0x22
	Request     Type = 0x23
	Call        Type = 0x24
	Reply       Type = 0x25
	Ready       Type = 0x30
	Invoke      Type = 0x31
	Result      Type = 0x32
	Failure     Type = 0x33
	Cancel      Type = 0x34
	Log         Type = 0x40
)

// Extension is the first type that a receiver skips when it does not know it.
const Extension Type = 0x80

// String is the type's name as in the specification.
func (t Type) String() string {
	if name := typeName(t); name != "" {
		return name
	}
	return fmt.Sprintf("type 0x%02x", uint8(t))
}

// Known tells whether version 1 defines the type.
func (t Type) Known() bool { return typeName(t) != "" }

func typeName(t Type) string {
	switch t {
	case Hello:
		return "HELLO"
	case Welcome:
		return "WELCOME"
	case Error:
		return "ERROR"
	case Ping:
		return "PING"
	case Pong:
		return "PONG"
	case Goodbye:
		return "GOODBYE"
	case OK:
		return "OK"
	case Register:
		return "REGISTER"
	case Unregister:
		return "UNREGISTER"
	case Subscribe:
		return "SUBSCRIBE"
	case Unsubscribe:
		return "UNSUBSCRIBE"
	case Publish:
		return "PUBLISH"
	case PublishTo:
		return "PUBLISHTO"
	default:
		return answerTypeName(t)
	}
}

func answerTypeName(t Type) string {
	switch t {
	case Message:
		return "MESSAGE"
	case Request:
		return "REQUEST"
	case Call:
		return "CALL"
	case Reply:
		return "REPLY"
	case Ready:
		return "READY"
	case Invoke:
		return "INVOKE"
	case Result:
		return "RESULT"
	case Failure:
		return "FAILURE"
	case Cancel:
		return "CANCEL"
	case Log:
		return "LOG"
	default:
		return ""
	}
}

// Code says why something was refused.
type Code uint16

// The error codes of version 1.
const (
	Malformed       Code = 1
	BadVersion      Code = 2
	Unauthenticated Code = 3
	Denied          Code = 4
	InvalidTopic    Code = 5
	TooLarge        Code = 6
	UnknownID       Code = 7
	IDInUse         Code = 8
	Limit           Code = 9
	NoResponder     Code = 10
	Timeout         Code = 11
	Overflow        Code = 12
	Unsupported     Code = 13
	GoingAway       Code = 14
	Internal        Code = 15
)

// String is the code's name as in the specification.
func (c Code) String() string {
	names := [...]string{
		"", "malformed", "version", "unauthenticated", "denied", "invalid-topic", "too-large", "unknown-id",
		"id-in-use", "limit", "no-responder", "timeout", "overflow", "unsupported", "going-away", "internal",
	}
	if c == 0 || int(c) >= len(names) {
		return fmt.Sprintf("code %d", uint16(c))
	}
	return names[c]
}

// Closes tells whether the session ends with this error.
func (c Code) Closes() bool {
	switch c {
	case Malformed, BadVersion, Unauthenticated, GoingAway, Internal:
		return true
	default:
		return false
	}
}

// Capabilities are what a side of a session can do, one bit each.
type Capabilities uint16

// The capabilities of version 1.
const (
	Requests  Capabilities = 1 << 0 // REQUEST, CALL, REPLY
	Functions Capabilities = 1 << 1 // READY, INVOKE, RESULT, FAILURE, CANCEL
	Logs      Capabilities = 1 << 2 // LOG
)

// Policy says what happens to messages that find a subscription's queue full.
type Policy uint8

// The policies.
const (
	DropOldest Policy = 0
	DropNewest Policy = 1
	Block      Policy = 2
)

// Flags of SUBSCRIBE.
type Flags uint8

// The flags.
const (
	Answers Flags = 1 << 0 // the subscriber answers requests
	NoLocal Flags = 1 << 1 // it does not get what it published itself
)
