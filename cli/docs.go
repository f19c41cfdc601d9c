package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

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
			header := &doc.GenManHeader{Title: "FESCUE", Section: "1", Source: "fescue " + s.Version, Manual: "Fescue"}
			if err := doc.GenManTree(c.Root(), header, a[0]); err != nil {
				return fail.Wrap(err, fail.Internal, "write man pages", a[0])
			}
			fmt.Fprintf(s.Stderr, "man pages are in %s\n", a[0])
			return nil
		},
	})
	return c
}
