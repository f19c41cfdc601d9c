// Package cli is Fescue's command line: one file per command, each a thin layer
// over the Go client of the API. It starts nothing itself: what `fescue up`
// runs comes in through [Hooks], from package app.
//
// Every command writes results to standard output and everything else to
// standard error, tells what to do when it fails, and ends with an exit status
// that tells the kind of failure (exit.go). Output is for people unless
// -o json or -o yaml asks for records.
package cli
