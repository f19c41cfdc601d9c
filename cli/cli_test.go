package cli_test

import (
	"context"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"fescue.dev/fescue/cli"
)

// The scripts in testdata are what a user types and sees without a server;
// package test has the rest.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"fescue": func() {
			os.Exit(cli.Run(context.Background(), cli.Environment{
				Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
				Getenv: os.Getenv, Version: "v0.0.0-test",
			}, cli.Hooks{}))
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", RequireExplicitExec: true})
}
