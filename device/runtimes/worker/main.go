package worker

import (
	"fmt"
	"os"
)

// marker, as first argument, makes the agent's binary a worker.
const marker = "serve-function"

// Command starts the program of a kind with arguments. binary is the agent's own.
func Command(binary, kind string, args ...string) []string {
	return append([]string{binary, marker, kind}, args...)
}

// Program is what the agent's binary does in a sandbox, instead of being the agent.
type Program func(args []string) error

// Loader loads the handler of a function: what it does is part of each cold start.
type Loader func(h *Host, args []string) (Handler, error)

// Function is the program that serves a function.
func Function(load Loader) Program {
	return func(args []string) error { return serveInherited(load, args) }
}

// Main runs a program, by its kind, and does not return if the process was started by
// [Command]; otherwise it returns at once. What is wrong is told on stderr, in a line that begins
// with [Complaint].
func Main(kinds map[string]Program) {
	if len(os.Args) < 3 || os.Args[1] != marker {
		return
	}
	run, ok := kinds[os.Args[2]]
	if !ok {
		fmt.Fprintf(os.Stderr, "%sthis binary has no program %q for functions\n", Complaint, os.Args[2])
		os.Exit(1)
	}
	if err := run(os.Args[3:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s%v\n", Complaint, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Complaint begins the line in which a program says why it ended.
const Complaint = "fescue: "
