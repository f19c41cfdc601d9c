package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
)

// table prints rows as they come: a run takes minutes.
type table struct {
	out     *tabwriter.Writer
	columns []string
}

func newTable(title string, columns ...string) *table {
	t := &table{out: tabwriter.NewWriter(os.Stdout, 12, 0, 2, ' ', tabwriter.AlignRight), columns: columns}
	fmt.Printf("\n%s\n", title)
	t.line(append([]string{fmt.Sprintf("%-22s", "")}, columns...)...)
	return t
}

func (t *table) line(cells ...string) {
	cells[0] = fmt.Sprintf("%-22s", cells[0])
	fmt.Fprintln(t.out, strings.Join(cells, "\t")+"\t")
	t.out.Flush()
}

// row is a line of a measurement with calls in flight.
func (t *table) row(name string, flight int, f figures, ratio float64, more string) {
	compared := fmt.Sprintf("%.2f", ratio)
	if ratio == 0 {
		compared = ""
	}
	t.line(name, fmt.Sprint(flight), fmt.Sprintf("%.0f", f.rate), micros(f.p50), micros(f.p99), micros(f.cpu), compared, more)
}
