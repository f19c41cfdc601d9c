package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func (s *session) versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Tell the version of this binary",
		Args:  args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version  string `json:"version"`
				Go       string `json:"go"`
				Platform string `json:"platform"`
			}{s.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			t := table{columns: []string{"VERSION", "GO", "PLATFORM"}}
			t.add(v.Version, v.Go, v.Platform)
			if s.format == "table" {
				_, err := fmt.Fprintf(s.Stdout, "fescue %s (%s, %s)\n", v.Version, v.Platform, v.Go)
				return err
			}
			return s.print(v, t)
		},
	}
	s.formatFlag(c)
	return c
}
