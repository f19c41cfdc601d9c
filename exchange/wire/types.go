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
	MaxKey      = 256       // longest key of the state
	MaxPlace    = 64        // longest name of a consumer's place
	MaxID       = 65535     // largest topic, subscription and watch id

	MaxMessageID = 64 // longest message id of STORE

	MaxPart = 1 << 16 // most data of a PART
	Window  = 1 << 18 // data of a result that may be sent before MORE
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
	Consume     Type = 0x14
	Forget      Type = 0x15
	Publish     Type = 0x20
	PublishTo   Type = 0x21
	Message     Type = 0x22
	Request     Type = 0x23
	Call        Type = 0x24
	Reply       Type = 0x25
	Store       Type = 0x26
	Delivery    Type = 0x27
	Ack         Type = 0x28
	History     Type = 0x29
	Past        Type = 0x2a
	Ready       Type = 0x30
	Invoke      Type = 0x31
	Result      Type = 0x32
	Failure     Type = 0x33
	Cancel      Type = 0x34
	Part        Type = 0x35
	More        Type = 0x36
	Log         Type = 0x40
	Get         Type = 0x48
	Put         Type = 0x49
	Delete      Type = 0x4a
	Watch       Type = 0x4b
	Unwatch     Type = 0x4c
	Value       Type = 0x4d
	Stored      Type = 0x4e
	Change      Type = 0x4f
	Offer       Type = 0x50
	Accept      Type = 0x51
	Chunk       Type = 0x52
	Progress    Type = 0x53
	Commit      Type = 0x54
	Committed   Type = 0x55
	Abort       Type = 0x56
	Remove      Type = 0x57
	List        Type = 0x58
	Held        Type = 0x59
	Credit      Type = 0x60
)

// Extension is the first type that a receiver skips when it does not know it.
const Extension Type = 0x80

// Time is an extension: the broker tells a client that has no clock the time.
const Time = Extension

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
	switch t & 0xf0 {
	case 0x00:
		return nameOf(t, "", "HELLO", "WELCOME", "ERROR", "PING", "PONG", "GOODBYE", "OK")
	case 0x10:
		return nameOf(t, "REGISTER", "UNREGISTER", "SUBSCRIBE", "UNSUBSCRIBE", "CONSUME", "FORGET")
	case 0x20:
		return nameOf(t, "PUBLISH", "PUBLISHTO", "MESSAGE", "REQUEST", "CALL", "REPLY", "STORE", "DELIVERY", "ACK", "HISTORY", "PAST")
	case 0x30:
		return nameOf(t, "READY", "INVOKE", "RESULT", "FAILURE", "CANCEL", "PART", "MORE")
	case 0x40:
		return nameOf(t, "LOG", "", "", "", "", "", "", "", "GET", "PUT", "DELETE", "WATCH", "UNWATCH", "VALUE", "STORED", "CHANGE")
	case 0x50:
		return nameOf(t, "OFFER", "ACCEPT", "CHUNK", "PROGRESS", "COMMIT", "COMMITTED", "ABORT", "REMOVE", "LIST", "HELD")
	case 0x60:
		return nameOf(t, "CREDIT")
	default:
		return ""
	}
}

// nameOf picks by the low half of t.
func nameOf(t Type, names ...string) string {
	if i := int(t & 0x0f); i < len(names) {
		return names[i]
	}
	return ""
}
