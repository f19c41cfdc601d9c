// Package fail is the one kind of error that crosses package borders in Fescue.
//
// An [Error] says which operation failed, what kind of failure it was, on what
// resource, and what the reader can do about it. The kind is mapped once to an
// HTTP status (server/api) and once to an exit status (cli); nobody else
// switches on error text. Errors are wrapped at a package's border and handled
// once: returned or logged, never both.
package fail

import (
	"errors"
	"fmt"
	"strings"
)

// Kind classifies a failure by what the caller can do about it.
type Kind uint8

// The kinds. Their names are stable: they appear in API problems and in events.
const (
	Internal        Kind = iota // a fault of Fescue's own
	Invalid                     // the input is wrong; the same input fails again
	Unauthenticated             // the caller did not say who it is, or not credibly
	Denied                      // the caller is known and may not do this
	NotFound                    // there is no such thing
	Conflict                    // it exists already, with other content, or is in use
	TooLarge                    // over a limit on size or number
	Exhausted                   // a resource of the machine ran out: disk, memory, queues
	Unavailable                 // a part that is needed does not answer now; try again
	Timeout                     // a deadline passed
	Canceled                    // the caller gave up, or something newer took over
	Unsupported                 // this device or build cannot do it
)

var kindNames = [...]string{
	Internal: "internal", Invalid: "invalid", Unauthenticated: "unauthenticated", Denied: "denied",
	NotFound: "not-found", Conflict: "conflict", TooLarge: "too-large", Exhausted: "exhausted",
	Unavailable: "unavailable", Timeout: "timeout", Canceled: "canceled", Unsupported: "unsupported",
}

// String is the stable name of the kind, as in API problems.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// ParseKind is the inverse of [Kind.String]; an unknown name is Internal.
func ParseKind(name string) Kind {
	for k, n := range kindNames {
		if n == name {
			return Kind(k)
		}
	}
	return Internal
}

// Error is a failure with its circumstances. Only Kind is always meaningful.
type Error struct {
	Op       string // what was attempted, in the package's words: "unpack artifact"
	Kind     Kind
	Resource string // what it was attempted on: a name, a path, a topic
	Hint     string // what the reader can do, a whole sentence
	Err      error  // the cause
}

// New makes an Error whose cause is the formatted text. %w wraps.
func New(kind Kind, op, format string, args ...any) *Error {
	return &Error{Op: op, Kind: kind, Err: fmt.Errorf(format, args...)}
}

// Wrap gives err an operation and keeps its kind if it has one, else kind
// applies. Wrap(nil) is nil.
func Wrap(err error, kind Kind, op, resource string) error {
	if err == nil {
		return nil
	}
	if k, ok := kindOf(err); ok {
		kind = k
	}
	return &Error{Op: op, Kind: kind, Resource: resource, Err: err}
}

// On sets the resource.
func (e *Error) On(resource string) *Error { e.Resource = resource; return e }

// WithHint sets the hint.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Error is one line: operation, resource, cause. The hint is apart, see [HintOf].
func (e *Error) Error() string {
	parts := make([]string, 0, 3)
	if e.Op != "" && e.Resource != "" {
		parts = append(parts, e.Op+" "+e.Resource)
	} else if e.Op != "" || e.Resource != "" {
		parts = append(parts, e.Op+e.Resource)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	} else {
		parts = append(parts, e.Kind.String())
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

func kindOf(err error) (Kind, bool) {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind, true
	}
	var k interface{ FailKind() Kind }
	if errors.As(err, &k) {
		return k.FailKind(), true
	}
	return Internal, false
}

// KindOf is the kind of err: that of the outermost Error in its chain, or what
// a FailKind method says, else Internal.
func KindOf(err error) Kind {
	k, _ := kindOf(err)
	return k
}

// Is tells whether err is of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// HintOf is the first hint found from the outside in, or "".
func HintOf(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}
