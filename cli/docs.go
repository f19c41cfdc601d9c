package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/fail"
)

func (s *session) docsCommand() *cobra.Command {
	c := &cobra.Command{Use: "docs", Short: "Write man pages"}
	c.AddCommand(&cobra.Command{
		Use:     "man DIRECTORY",
		Short:   "Write a man page for every command into a directory",
		Example: "  fescue docs man /usr/local/share/man/man1",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			if err := os.MkdirAll(a[0], 0o755); err != nil {
				return fail.Wrap(err, fail.Internal, "write man pages", a[0])
			}
			if err := s.writeManPages(c.Root(), a[0]); err != nil {
				return fail.Wrap(err, fail.Internal, "write man pages", a[0])
			}
			fmt.Fprintf(s.Stderr, "man pages are in %s\n", a[0])
			return nil
		},
	})
	return c
}

// writeManPages writes the page of a command and of all below it.
func (s *session) writeManPages(c *cobra.Command, dir string) error {
	if !c.IsAvailableCommand() && c.HasParent() {
		return nil
	}
	c.InitDefaultHelpFlag()
	if err := os.WriteFile(filepath.Join(dir, pageName(c)+".1"), manPage(c, s.Version), 0o644); err != nil {
		return err
	}
	for _, sub := range c.Commands() {
		if err := s.writeManPages(sub, dir); err != nil {
			return err
		}
	}
	return nil
}
