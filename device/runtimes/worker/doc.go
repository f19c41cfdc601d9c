// Package worker is a function's worker in Go: it speaks the wire protocol
// (sdk/protocol.md, "Functions") on descriptor 3 and calls a handler for each event.
//
// Runtimes whose code cannot speak the protocol itself, because it is WebAssembly or a
// program that is started for each event, are served by the agent's own binary, executed
// again inside the sandbox: their Worker gives [Command], and main calls [Main] with
// their loaders before anything else. Such a process has no rights beyond those of
// the function that it runs.
//
// It promises: every INVOKE is answered once; invocations run side by side, as many as
// are sent; GOODBYE lets those under way end; a closed link ends the process at once.
package worker
