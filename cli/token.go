package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/spec"
)

func (s *session) createTokenCommand() *cobra.Command {
	var good time.Duration
	c := &cobra.Command{
		Use:   "token NAME",
		Short: "Make an API token for a script, a CI job or another person",
		Long: `Make a token that may do what the admin token may, and show it this once.

Only its hash is stored. fescue get tokens tells when each was used last; fescue delete
token revokes one, and ends console sessions that were opened with it.`,
		Example: `  fescue create token backup
  fescue create token ci --for 720h
  FESCUE_API_TOKEN=… fescue get devices`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			name, err := spec.ParseName(a[0])
			if err != nil {
				return err
			}
			api, err := s.client()
			if err != nil {
				return err
			}
			made, token, err := api.CreateToken(c.Context(), name, good)
			if err != nil {
				return err
			}
			t := table{columns: []string{"NAME", "EXPIRES", "TOKEN"}}
			t.add(made.Name, until(made.ExpiresAt), token)
			return s.print(map[string]any{"info": made, "token": token}, t)
		},
	}
	c.Flags().DurationVar(&good, "for", 0, "how long it is good (12h, 720h; default: for ever)")
	s.formatFlag(c)
	return c
}

func (s *session) getTokens(ctx context.Context, api *client.Client) error {
	items, err := api.Tokens(ctx)
	t := table{columns: []string{"NAME", "ROLE", "AGE", "LAST USED", "EXPIRES"}, empty: "no tokens were made; that of the state directory is not listed"}
	for _, i := range items {
		used := "never"
		if !i.LastUsedAt.IsZero() {
			used = ago(i.LastUsedAt) + " ago"
		}
		t.add(i.Name, i.Role, ago(i.CreatedAt), used, until(i.ExpiresAt))
	}
	return s.printList(items, t, err)
}

// until is when something ends.
func until(t time.Time) string {
	switch {
	case t.IsZero():
		return "never"
	case t.Before(time.Now()):
		return "expired"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func (s *session) deleteTokenCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "token NAME",
		Short:   "Revoke an API token",
		Example: "  fescue delete token ci",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			name, err := spec.ParseName(a[0])
			if err != nil {
				return err
			}
			api, err := s.client()
			if err != nil {
				return err
			}
			return api.DeleteToken(c.Context(), name)
		},
	}
}
