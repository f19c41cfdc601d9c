package observe

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"fescue.dev/fescue/spec"
)

// ExpositionType is the media type of Prometheus' text format.
const ExpositionType = "text/plain; version=0.0.4; charset=utf-8"

// Exposition is figures in Prometheus' text format, which is simple enough that its
// client library, of a megabyte, is not worth its size here. Its zero value is empty.
type Exposition struct {
	text strings.Builder
	name string
}

// Begin begins the samples of a metric; kind is "counter", "gauge" or "histogram".
func (e *Exposition) Begin(name, kind, help string) {
	e.name = name
	fmt.Fprintf(&e.text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// Sample adds a sample; labels are names and values by turns.
func (e *Exposition) Sample(value float64, labels ...string) { e.sample("", value, labels) }

// Histogram adds the samples of a histogram of durations, in seconds.
func (e *Exposition) Histogram(h spec.Durations, labels ...string) {
	total := uint64(0)
	for i, bound := range spec.DurationBounds {
		total += h.Counts[i]
		e.sample("_bucket", float64(total), append(labels[:len(labels):len(labels)], "le", number(bound.Seconds())))
	}
	total += h.Counts[len(spec.DurationBounds)]
	e.sample("_bucket", float64(total), append(labels[:len(labels):len(labels)], "le", "+Inf"))
	e.sample("_sum", h.Sum.Seconds(), labels)
	e.sample("_count", float64(total), labels)
}

func (e *Exposition) sample(suffix string, value float64, labels []string) {
	e.text.WriteString(e.name + suffix)
	for i := 0; i+1 < len(labels); i += 2 {
		before := ","
		if i == 0 {
			before = "{"
		}
		e.text.WriteString(before + labels[i] + `="` + escapeLabel(labels[i+1]) + `"`)
	}
	if len(labels) > 0 {
		e.text.WriteByte('}')
	}
	e.text.WriteString(" " + number(value) + "\n")
}

func number(value float64) string { return strconv.FormatFloat(value, 'g', -1, 64) }

func escapeLabel(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(value, "\ufffd"))
}

// WriteTo writes the text.
func (e *Exposition) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, e.text.String())
	return int64(n), err
}

// Unix is a time as Prometheus counts it: in seconds since 1970.
func Unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
