package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// pageName is what a command's man page is called: fescue-get-artifacts.
func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage is the page of a command, in the language of man(7). It is written here
// because the library's way goes through Markdown and back and costs 0.4 MB of binary.
func manPage(c *cobra.Command, version string) []byte {
	var p page
	p.line(`.TH "%s" "1" "" "fescue %s" "Fescue"`, strings.ToUpper(pageName(c)), quoted(version))
	p.section("NAME")
	p.text(pageName(c) + ` \- ` + escaped(c.Short))
	p.section("SYNOPSIS")
	p.line(".B %s", escaped(c.UseLine()))
	if c.Long != "" {
		p.section("DESCRIPTION")
		p.text(escaped(c.Long))
	}
	p.options("OPTIONS", c.NonInheritedFlags())
	p.options("OPTIONS OF ALL COMMANDS", c.InheritedFlags())
	if c.Example != "" {
		p.section("EXAMPLES")
		p.line(".nf")
		p.text(escaped(c.Example))
		p.line(".fi")
	}
	p.seeAlso(c)
	return []byte(p.String())
}

type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *page) section(name string) { p.line(".SH %s", name) }

// text writes lines; one that begins with a dot would be a request.
func (p *page) text(s string) {
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
			line = ".PP"
		case strings.HasPrefix(line, "."), strings.HasPrefix(line, "'"):
			line = `\&` + line
		}
		p.line("%s", line)
	}
}

func (p *page) options(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	p.section(title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		kind, usage := pflag.UnquoteUsage(f)
		if kind != "" {
			name += " " + kind
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			usage += " (default " + f.DefValue + ")"
		}
		p.line(".TP")
		p.line(`\fB%s\fR`, escaped(name))
		p.text(escaped(usage))
	})
}

// seeAlso names the command above and those below.
func (p *page) seeAlso(c *cobra.Command) {
	var others []string
	if c.HasParent() {
		others = append(others, pageName(c.Parent()))
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			others = append(others, pageName(sub))
		}
	}
	if len(others) == 0 {
		return
	}
	p.section("SEE ALSO")
	for i, name := range others {
		end := ","
		if i == len(others)-1 {
			end = ""
		}
		p.line(`.BR %s (1)%s`, escaped(name), end)
	}
}

// escaped keeps troff from taking backslashes and hyphens for its own.
func escaped(s string) string {
	return strings.NewReplacer(`\`, `\e`, `-`, `\-`).Replace(s)
}

// quoted is for the argument of a request.
func quoted(s string) string { return strings.ReplaceAll(s, `"`, "") }
