package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/spec"
)

func (s *session) checkCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "check DIRECTORY",
		Short: "Tell every fault of an application without sending it",
		Long: `Check a configuration and that the files it refers to are in the directory.
Needs no server; what only the server knows (other applications) is checked when
it is sent.`,
		Example: "  fescue check ./hello",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, a []string) error {
			path := file
			if path == "" {
				path = filepath.Join(a[0], "fescue.yaml")
			}
			return s.check(a[0], path)
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "the configuration (default: fescue.yaml in the directory)")
	return c
}

func (s *session) check(dir, path string) error {
	text, err := readConfiguration(path)
	if err != nil {
		return err
	}
	configuration, err := spec.Decode(path, text)
	if err != nil {
		return err
	}
	missing := configuration.CheckFiles(func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		return err == nil && info.Mode().IsRegular()
	})
	if len(missing) > 0 {
		return missing
	}
	for _, w := range configuration.Warnings() {
		fmt.Fprintf(s.Stderr, "warning: %s\n", w)
	}
	fmt.Fprintf(s.Stdout, "%s %s is correct\n", configuration.Name, configuration.Version)
	return nil
}
