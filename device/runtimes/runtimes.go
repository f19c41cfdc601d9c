// Package runtimes says what the deployment engine needs of a runtime
// environment: how code of one language is prepared and started.
//
// The engine (device/engine) is the only caller. A runtime knows its language and
// nothing else: it does not start processes itself, but says what to start, and
// has the engine run, confined, what preparing takes. One folder below is one
// runtime; runtimetest is the suite that all with functions pass.
//
// A runtime promises: every method can be called from any goroutine and again
// after a crash at any instant; what it has prepared is complete or not there; two
// applications that need the same share it.
package runtimes

import (
	"context"
	"io"

	"fescue.dev/fescue/spec"
)

// Application is a version of an application, unpacked.
type Application struct {
	Configuration *spec.Configuration
	Artifact      spec.Digest
	Dir           string // where the code is; absolute
}

// Surroundings are what a program of an application finds, beyond what the
// engine gives to all.
type Surroundings struct {
	Path        []string // directories to be searched for programs before the system's
	Environment []string // NAME=value
	ReadOnly    []string // paths it must be able to read
	// Container is where its programs run in an image; nil for those that see the device's system.
	Container Container
}

// Container starts the programs of an application in an image, through a container engine
// that the caller starts in its sandbox.
type Container interface {
	// Program is what the image itself says is to be started.
	Program() (argv []string, err error)
	// Enclose says how a program is started.
	Enclose(p Program) (Enclosed, error)
}

// Program is one to be started in an image.
type Program struct {
	Argv                []string
	Environment         []string
	Files               int // descriptors from 3 on that it gets
	UID, GID            int // the application's user on the device
	ReadOnly, ReadWrite []string
	Devices             []spec.DevicePath
	HostNetwork         bool // it has the device's network, and not one of its own
}

// Enclosed is how a container engine starts a program; see sandbox.Container for the fields.
type Enclosed struct {
	Argv     []string
	ReadOnly []string // paths that the engine needs, besides those of the program
	Root     string
	Changes  spec.Bytes
	Config   []byte
	Signal   int
}

// Build is a program that prepares something. It has the network and may write to
// ReadWrite only; those directories are made its user's before it starts.
type Build struct {
	Argv        []string
	Dir         string // working directory
	Environment []string
	ReadOnly    []string
	ReadWrite   []string
	Output      io.Writer // gets stdout and stderr besides the application's log; may be nil
}

// Builder runs a Build, confined, until it has ended. Another exit status than 0 is an error, so is
// the context's end, which ends the program too.
type Builder func(ctx context.Context, b Build) error

// Runtime is one runtime environment.
type Runtime interface {
	// Name is what configurations call it.
	Name() string
	// Describe is what this device has of it, for people ("3.11.2 (/usr/bin/python3)"), or "".
	Describe(ctx context.Context) string
	// Check tells whether the device has a version that the range holds:
	// fail.Unsupported, naming what was found, if not.
	Check(ctx context.Context, want spec.Range) error
	// Prepare makes what the application's dependencies ask for. It is false where
	// there was nothing to do.
	Prepare(ctx context.Context, app Application, run Builder) (did bool, err error)
	// Surroundings are those of the application's commands and workers, once it is
	// prepared.
	Surroundings(ctx context.Context, app Application) (Surroundings, error)
	// Worker is the program that serves the application's handler by the wire
	// protocol on descriptor 3 (sdk/protocol.md).
	Worker(ctx context.Context, app Application) (argv []string, err error)
	// Sweep removes what was prepared for none of the applications, and what
	// interrupted preparations left. No Prepare may be under way.
	Sweep(ctx context.Context, keep []Application) error
}

// Forking is a runtime whose workers can be forked from a program that has loaded what all of
// them need, which makes their start cheaper.
type Forking interface {
	// ForkServer is a program that forks workers like those of Worker (sandbox.Options.Forks). It
	// runs none of the application's code.
	ForkServer(ctx context.Context, app Application) (argv []string, err error)
}
