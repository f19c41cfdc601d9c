package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/fail"
)

// Finding is something that a device needs to run and confine applications.
type Finding struct {
	Part   string `json:"part"`   // isolation, runtime or link
	What   string `json:"what"`   // "memory limit"
	OK     bool   `json:"ok"`     // all is as it should be
	Found  string `json:"found"`  // what is the case
	Remedy string `json:"remedy"` // what to do, if something is
}

func (s *session) doctorCommand() *cobra.Command {
	var strict bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Tell what this machine can enforce and run, and what to do where something is missing",
		Long: `Tries on this machine, as the user who calls it, everything by which applications
are confined, and looks for the interpreters of the runtimes. Needs no server and
changes nothing. Run it as the user that the agent runs as.`,
		Example: "  fescue doctor\n  sudo fescue doctor --strict && echo 'isolation: strict works here'",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			findings, err := s.hooks.Doctor(c.Context())
			if err != nil {
				return err
			}
			if err := s.printFindings(findings); err != nil {
				return err
			}
			if strict {
				return strictly(findings)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&strict, "strict", false, "fail if a part of the isolation is missing")
	s.formatFlag(c)
	return c
}

func (s *session) printFindings(findings []Finding) error {
	t := table{columns: []string{"", "PART", "WHAT", "FOUND"}}
	var remedies []Finding
	for _, f := range findings {
		mark := "ok"
		if !f.OK {
			mark = "--"
		}
		t.add(mark, f.Part, f.What, f.Found)
		if !f.OK && f.Remedy != "" {
			remedies = append(remedies, f)
		}
	}
	if err := s.print(findings, t); err != nil || s.format != "table" {
		return err
	}
	for _, f := range remedies {
		fmt.Fprintf(s.Stdout, "\n%s, %s:\n  %s\n", f.Part, f.What, f.Remedy)
	}
	return nil
}

// strictly is an error if a part of the isolation is missing.
func strictly(findings []Finding) error {
	for _, f := range findings {
		if f.Part == "isolation" && !f.OK {
			return fail.New(fail.Unsupported, "examine", "this machine does not enforce all of the isolation: %s", f.What).
				WithHint("What to do stands above; applications with 'isolation: strict' are refused here.")
		}
	}
	return nil
}
