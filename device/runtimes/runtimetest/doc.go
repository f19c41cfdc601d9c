// Package runtimetest is the conformance suite of runtimes with functions: every
// one of them must load a handler, answer, tell errors with their stack trace, keep
// within time-outs, log, take large payloads and many calls at once, end gracefully,
// crash without harm and start again.
//
// The tests of each runtime below device/runtimes call [Run] with a function of that
// language. Nothing is simulated: programs run in the real sandbox, as the users and
// with the limits that the deployment engine gives them, and speak with the real
// Data Xchange. A test binary that uses it must call the Main of the
// workers it tests, first in its TestMain.
package runtimetest
