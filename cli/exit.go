package cli

import (
	"context"
	"errors"

	"fescue.dev/fescue/fail"
)

// Exit statuses. They are stable, and listed in docs/reference/cli.md.
const (
	exitOK          = 0
	exitFailed      = 1   // the command was carried out and what it did failed
	exitInvalid     = 2   // wrong use or wrong input; the same again fails again
	exitNotFound    = 3   // there is no such thing
	exitDenied      = 4   // not allowed, or not signed in
	exitConflict    = 5   // it exists with other content, or is in use
	exitUnavailable = 6   // server or device does not answer; try again
	exitTimeout     = 7   // a deadline passed
	exitInterrupted = 130 // Ctrl-C, as shells have it
)

// errReported is an error whose reason the command has shown already.
var errReported = errors.New("reported")

// exitStatus is the exit status for err, of kinds' one table.
func exitStatus(ctx context.Context, err error) int {
	if ctx.Err() != nil {
		return exitInterrupted
	}
	switch fail.KindOf(err) {
	case fail.Invalid, fail.TooLarge, fail.Unsupported:
		return exitInvalid
	case fail.NotFound:
		return exitNotFound
	case fail.Denied, fail.Unauthenticated:
		return exitDenied
	case fail.Conflict:
		return exitConflict
	case fail.Unavailable, fail.Exhausted:
		return exitUnavailable
	case fail.Timeout:
		return exitTimeout
	}
	return exitFailed
}
