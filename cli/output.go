package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"fescue.dev/fescue/fail"
)

// formatFlag gives a command -o table|yaml|json.
func (s *session) formatFlag(c *cobra.Command) {
	c.Flags().StringVarP(&s.format, "output", "o", "table", "table, yaml or json")
}

// table is rows of text under column names.
type table struct {
	columns []string
	rows    [][]string
	empty   string // said instead of an empty table
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// print writes records as -o says: the table for people, or the records
// themselves, whose keys are the API's.
func (s *session) print(records any, t table) error {
	switch s.format {
	case "", "table":
		if len(t.rows) == 0 && t.empty != "" {
			_, err := fmt.Fprintln(s.Stderr, t.empty)
			return err
		}
		return writeTable(s.Stdout, t)
	case "json":
		e := json.NewEncoder(s.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(records)
	case "yaml":
		return writeYAML(s.Stdout, records)
	}
	return usageError{fail.New(fail.Invalid, "print", "unknown output format %q", s.format).WithHint("use -o table, yaml or json")}
}

// writeYAML goes by way of JSON, so that keys and values are the API's.
func writeYAML(w io.Writer, records any) error {
	text, err := json.Marshal(records)
	if err != nil {
		return err
	}
	text, err = yaml.JSONToYAML(text)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

func writeTable(w io.Writer, t table) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(t.columns, "\t"))
	for _, row := range t.rows {
		for i, cell := range row {
			if cell == "" {
				row[i] = "-"
			}
		}
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	return tw.Flush()
}

// ago is how long t is past, as people say it: "12s", "5m", "3h", "8d".
func ago(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := time.Since(t)
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// size is n bytes with a unit of 1,000, as disks are sold: "4.2 MB".
func size(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, u := float64(n)/1000, 0
	for v >= 1000 && u < len(units)-1 {
		v /= 1000
		u++
	}
	return fmt.Sprintf("%.1f %cB", v, units[u])
}

// short is the beginning of a digest, enough to tell artifacts apart.
func short(digest string) string {
	hex, _ := strings.CutPrefix(digest, "sha256:")
	if len(hex) > 12 {
		hex = hex[:12]
	}
	return hex
}
