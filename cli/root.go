package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/fail"
)

// Environment is what the process gives a command; tests give their own.
type Environment struct {
	Args           []string // without the program's name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Version        string
}

// Hooks are the long-lived parts that commands start; package app has them.
type Hooks struct {
	// Up runs server and agent until ctx ends.
	Up func(ctx context.Context, o UpOptions) error
	// Doctor tells what this machine can enforce and run.
	Doctor func(ctx context.Context) ([]Finding, error)
}

// session is what a running command has at hand.
type session struct {
	Environment
	hooks Hooks

	state  string // --state
	server string // --server
	token  string // --token
	format string // -o
}

// Run carries out the command that the arguments name and returns the exit status.
func Run(ctx context.Context, env Environment, hooks Hooks) int {
	s := &session{Environment: env, hooks: hooks}
	root := s.rootCommand()
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if isUsage(err) {
		fmt.Fprintf(env.Stderr, "fescue: %v\n  run '%s --help' to see how it is used\n", err, command.CommandPath())
		return exitInvalid
	}
	if !errors.Is(err, errReported) {
		printError(env.Stderr, err)
	}
	return exitStatus(ctx, err)
}

func (s *session) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "fescue",
		Short: "Run functions on the devices you own",
		Long: `Fescue runs functions on the devices you own, from a microcontroller to a rack.

One binary is the server, the device agent, this command line and the web console.
Start with:

  fescue up                    # server and agent on this machine
  fescue init python hello     # a small application to edit
  fescue deploy ./hello        # send it, and watch it come up`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		DisableAutoGenTag: true,
		Version:           s.Version,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	flags := root.PersistentFlags()
	flags.StringVar(&s.state, "state", "", "state directory (FESCUE_STATE; default "+defaultState(s.Getenv, os.Geteuid())+")")
	flags.StringVar(&s.server, "server", "", "address of the API server (FESCUE_SERVER; default: the one running on this machine)")
	flags.StringVar(&s.token, "token", "", "API token (FESCUE_API_TOKEN; default: the admin token in the state directory)")

	groups := []struct{ id, title string }{
		{"start", "Start:"}, {"write", "Write and deploy:"}, {"watch", "Watch and use:"}, {"more", "More:"},
	}
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
	}
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("start", s.upCommand(), s.statusCommand(), s.doctorCommand())
	add("write", s.initCommand(), s.buildCommand(), s.deployCommand(), s.createCommand(), s.checkCommand(), s.deleteCommand(), s.stopCommand(), s.startCommand(), s.cancelCommand(), s.microCommand())
	add("watch", s.getCommand(), s.logsCommand(), s.invokeCommand(), s.pubCommand(), s.tailCommand(), s.topicsCommand())
	add("write", s.labelCommand())
	add("watch", s.metricsCommand(), s.keysCommand())
	add("more", s.versionCommand(), s.docsCommand())
	root.SetHelpCommandGroupID("more")
	root.SetCompletionCommandGroupID("more")
	return root
}

// usageError is a fault in how the command was written.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// args wraps cobra's checks so that their errors count as usage.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, a []string) error {
		if err := check(c, a); err != nil {
			return usageError{err}
		}
		return nil
	}
}

func isUsage(err error) bool {
	var u usageError
	// Cobra reports an unknown command as plain text.
	return errors.As(err, &u) || strings.HasPrefix(err.Error(), "unknown command ")
}

// printError tells err and its hint, one thing a line.
func printError(w io.Writer, err error) {
	fmt.Fprintf(w, "fescue: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	if hint := fail.HintOf(err); hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", hint)
	}
}
