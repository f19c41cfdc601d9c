// Package sandbox starts the programs of applications: confined to what their
// configuration grants, bounded in memory, processor and processes, and
// supervised so that none outlives the agent.
//
// The deployment engine and the runtimes call it. [Sandbox.Start] runs one
// program; a program may start others, and all of them are gone when
// [Process.Wait] has returned, when [Process.Terminate] has, and when the agent
// is killed at any instant. [Sandbox.Facts] says what this device really
// enforces: nothing is claimed that was not tried.
//
// A program is started through the agent's own binary, executed again under the
// name [jail.Name]: that it imports this package is all it takes. See
// docs/design/sandbox.md for the course of a start and the reasons.
package sandbox
