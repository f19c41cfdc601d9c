package wire

import "fmt"

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
	NotFound        Code = 16
	Conflict        Code = 17
	Quota           Code = 18
	Storage         Code = 19
	NotKept         Code = 20
	BadModule       Code = 21
	NoRoom          Code = 22
	Digest          Code = 23
)

// String is the code's name as in the specification.
func (c Code) String() string {
	names := [...]string{
		"", "malformed", "version", "unauthenticated", "denied", "invalid-topic", "too-large", "unknown-id",
		"id-in-use", "limit", "no-responder", "timeout", "overflow", "unsupported", "going-away", "internal",
		"not-found", "conflict", "quota", "storage", "not-kept", "bad-module", "no-room", "digest",
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
	State     Capabilities = 1 << 3 // GET, PUT, DELETE, WATCH, UNWATCH, VALUE, STORED, CHANGE
	Durable   Capabilities = 1 << 4 // CONSUME, FORGET, STORE, DELIVERY, ACK
	Histories Capabilities = 1 << 5 // HISTORY, PAST
	Credits   Capabilities = 1 << 6 // CREDIT, the flag ByCredit
	Modules   Capabilities = 1 << 7 // OFFER to HELD
	Queues    Capabilities = 1 << 8 // invocations wait in the worker
	Parts     Capabilities = 1 << 9 // PART, MORE
)

// Cancelled is the type of the FAILURE of an invocation that ended because it was cancelled, or had not begun.
const Cancelled = "Cancelled"
