package spec

import (
	"fmt"
	"strings"

	"fescue.dev/fescue/fail"
)

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	File       string `json:"file,omitempty"`
	Line       int    `json:"line,omitempty" doc:"From 1; 0 if the fault has no place in the text."`
	Column     int    `json:"column,omitempty" doc:"From 1, in characters."`
	Field      string `json:"field,omitempty" doc:"Path of the field: triggers[0].topic"`
	Message    string `json:"message"`
	Suggestion string `json:"suggestion,omitempty" doc:"What to do about it."`
}

// String is "fescue.yaml:5:1: trigers: unknown key (did you mean triggers?)".
func (f Fault) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File)
		b.WriteByte(':')
	}
	if f.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", f.Line, f.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	b.WriteString(f.Message)
	if f.Suggestion != "" {
		b.WriteString(" (" + strings.TrimSuffix(f.Suggestion, ".") + ")")
	}
	return b.String()
}

// Faults is everything that is wrong with a configuration, in the order of the
// text. As an error it is of kind Invalid.
type Faults []Fault

// Error is one fault a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// FailKind makes Faults an error of kind Invalid.
func (Faults) FailKind() fail.Kind { return fail.Invalid }
