// Package app wires Fescue together, in reading order: it is the only package
// that knows both wings, the server and the device, and joins what each asks of
// the other through small interfaces. There is no logic here beyond that.
package app

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"fescue.dev/fescue/cli"
	"fescue.dev/fescue/device/runtimes/worker"
)

// version is set by the linker (Makefile).
var version = ""

// Main runs the program with its arguments, the first being its name, and
// returns the exit status.
func Main(args []string) int {
	worker.Main(insidePrograms()) // does not return in a function that this binary serves

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(ctx, cli.Environment{
		Args: args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Version: Version(),
	}, cli.Hooks{Up: Up, Doctor: Doctor})
}

// Version is that of this binary: what the linker was told, else the module's.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "dev"
}
