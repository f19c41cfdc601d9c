// Command fescue is the server, the device agent and the command line of
// Fescue in one binary. All it does is hand over to package app.
package main

import (
	"os"

	"fescue.dev/fescue/app"
)

func main() { os.Exit(app.Main(os.Args)) }
