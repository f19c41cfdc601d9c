package spec

import (
	"fmt"
	"path"
	"strings"
)

// CheckFiles tells which files the configuration refers to that has does not
// know. has is asked for slash-separated paths relative to the artifact's root.
func (c *Configuration) CheckFiles(has func(path string) bool) Faults {
	return (&Document{Configuration: c}).CheckFiles(has)
}

// Fault is a fault at the place of a field, found by who knows more than the
// text shows.
func (d *Document) Fault(field, message, suggestion string) Fault {
	p := placeOf(d.at, field)
	return Fault{File: d.file, Line: p.line, Column: p.column, Field: field, Message: message, Suggestion: suggestion}
}

// CheckFiles is [Configuration.CheckFiles] with the places in the text.
func (d *Document) CheckFiles(has func(path string) bool) Faults {
	var faults Faults
	missing := func(field, message, suggestion string) {
		faults = append(faults, d.Fault(field, message, suggestion))
	}
	if message, suggestion := d.handlerMissing(has); message != "" {
		missing("handler", message, suggestion)
	}
	if message := d.archiveMissing(has); message != "" {
		missing("container.archive", message, "Make it with podman save or docker save, and put it there.")
	}
	if d.Runtime.Name() == RuntimeContainer {
		return faults // commands are about files of the image
	}
	for _, f := range d.Dependencies.files() {
		if f.path != "" && !has(f.path) {
			missing("dependencies."+f.key, fmt.Sprintf("the artifact has no file %s", f.path), "Add it, or remove the key.")
		}
	}
	if file := d.Dependencies.Package; file != "" && has(file) && !has(path.Join(path.Dir(file), "package-lock.json")) {
		missing("dependencies.package", "the artifact has no package-lock.json beside it", "Run `npm install --package-lock-only`: packages are installed exactly as it says.")
	}
	compiled := d.Runtime.Name() == RuntimeCpp || d.Runtime.Name() == RuntimeNative
	made := false // a command before may have made what is run
	for i, command := range d.Commands {
		if file := scriptOf(command.Run); file != "" && !has(file) && !(made && strings.HasPrefix(command.Run, "./")) {
			missing(fmt.Sprintf("commands[%d].run", i), fmt.Sprintf("the artifact has no file %s", file), "Paths are relative to the artifact's root.")
		}
		made = made || compiled && command.Wait
	}
	return faults
}

// scriptOf is the file of the artifact that a command runs, or "" if the
// command does not plainly name one.
func scriptOf(run string) string {
	words := strings.Fields(run)
	for len(words) > 0 && strings.Contains(words[0], "=") && !strings.ContainsAny(words[0], "/'\"") {
		words = words[1:] // NAME=value before the program
	}
	if len(words) == 0 {
		return ""
	}
	if file, ok := strings.CutPrefix(words[0], "./"); ok {
		return plainPath(file)
	}
	if !interpreter(words[0]) {
		return ""
	}
	for _, w := range words[1:] {
		switch {
		case w == "-m" || w == "-c" || w == "-":
			return ""
		case strings.HasPrefix(w, "-"):
			continue
		}
		return plainPath(w)
	}
	return ""
}

func interpreter(program string) bool {
	return strings.HasPrefix(program, "python") || program == "sh" || program == "bash"
}

// plainPath is a relative path that the shell takes as it stands, or "".
func plainPath(p string) string {
	if strings.ContainsAny(p, "$`'\"*?[]{}()<>|&;~\\!#") || path.IsAbs(p) {
		return ""
	}
	return path.Clean(p)
}

// Warnings are what is allowed and yet worth a second look.
func (c *Configuration) Warnings() []string {
	var w []string
	for i, command := range c.Commands {
		if command.Mode == ModeRoot {
			w = append(w, fmt.Sprintf("commands[%d] runs as root: devices refuse it unless started with --allow-root", i))
		}
	}
	if c.Isolation == IsolationNone {
		w = append(w, "isolation: none lets the application see the device's file system and network")
	}
	if c.IsFunction() && len(c.Triggers) == 0 {
		w = append(w, "the function has no trigger: it runs only when invoked")
	}
	return w
}
