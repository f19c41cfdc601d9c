package worker

import (
	"fmt"
	"os"
)

// marker, as first argument, makes the agent's binary a worker.
const marker = "serve-function"

// Command starts the worker of a kind with arguments for its loader. program is
// the agent's own binary.
func Command(program, kind string, args ...string) []string {
	return append([]string{program, marker, kind}, args...)
}

// Loader loads the handler: what it does is part of each cold start.
type Loader func(h *Host, args []string) (Handler, error)

// Main serves a function and does not return if the program was started by
// [Command]; otherwise it returns at once.
func Main(kinds map[string]Loader) {
	if len(os.Args) < 3 || os.Args[1] != marker {
		return
	}
	load, ok := kinds[os.Args[2]]
	if !ok {
		fmt.Fprintf(os.Stderr, "fescue: this binary serves no functions of kind %q\n", os.Args[2])
		os.Exit(1)
	}
	if err := serveInherited(load, os.Args[3:]); err != nil {
		fmt.Fprintf(os.Stderr, "fescue: %v\n", err)
		os.Exit(1)
	}
	os.Exit(0)
}
