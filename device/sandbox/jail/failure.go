package jail

import (
	"errors"
	"io/fs"
	"syscall"

	"fescue.dev/fescue/fail"
)

// cause is a message with the system's error number, so that errors.Is works on
// the agent's side of the socket.
type cause struct {
	message string
	errno   int
}

func (c *cause) Error() string { return c.message }

func (c *cause) Unwrap() error {
	if c.errno == 0 {
		return nil
	}
	return syscall.Errno(c.errno)
}

// failureOf makes err ready for the socket. The message is that of the cause
// alone: operation and resource have their own fields.
func failureOf(err error) *Failure {
	f := &Failure{Kind: fail.KindOf(err).String(), Op: "start program", Message: err.Error(), Hint: fail.HintOf(err)}
	var e *fail.Error
	if errors.As(err, &e) {
		f.Op, f.Resource = e.Op, e.Resource
		if e.Err != nil {
			f.Message = e.Err.Error()
		}
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		f.Errno = int(errno)
	}
	return f
}

// because classifies a system call's error; op and path say what it was for.
func because(err error, op, path string) error {
	if err == nil {
		return nil
	}
	var p *fs.PathError
	if errors.As(err, &p) && p.Path == path {
		err = p.Err // the path is told once
	}
	return &fail.Error{Op: op, Kind: kindOf(err), Resource: path, Err: err, Hint: hintFor(err)}
}

func kindOf(err error) fail.Kind {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fail.NotFound
	case errors.Is(err, fs.ErrPermission):
		return fail.Denied
	case errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOSPC),
		errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fail.Exhausted
	case errors.Is(err, syscall.ENOSYS):
		return fail.Unsupported
	}
	return fail.Internal
}

func hintFor(err error) string {
	switch kindOf(err) {
	case fail.NotFound:
		return "Check the path; it must exist on the device before the program is started."
	case fail.Denied:
		return "Check owner and mode of the path and of the folders above it: the application's user must be able to use it."
	case fail.Exhausted:
		return "The device, or a limit of the application, has no more memory, processes or descriptors: stop something or raise the limit."
	case fail.Unsupported:
		return "The kernel of this device lacks a system call that confinement needs; `fescue status` tells what it enforces."
	}
	return ""
}
