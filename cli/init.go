package cli

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

//go:embed all:templates
var templates embed.FS

// template is an application to begin with.
type template struct {
	name, what string
	build      string // what to do before it can be deployed, or ""
	invoke     string // an event for it, or "" for a service
}

// templateList is in the order of a person's choice.
var templateList = [...]template{
	{name: "python", what: "a function, called for every message on a topic", invoke: `{"name": "Ada"}`},
	{name: "python-service", what: "a program that keeps running and uses topics itself"},
	{name: "node", what: "a function in JavaScript", invoke: `{"name": "Ada"}`},
	{name: "java", what: "a function in Java, compiled on the device", invoke: "hello"},
	{name: "cpp", what: "a function in C++, compiled on the device", invoke: "hello"},
	{name: "wasm", what: "a function in C as WebAssembly, also for microcontrollers", build: "make -C DIRECTORY", invoke: "42"},
	{name: "micro", what: "a function in C for a microcontroller", build: "fescue build DIRECTORY", invoke: "42"},
	{name: "container", what: "a program in a container image, started for each event", build: "DIRECTORY/image.sh", invoke: "hello"},
	{name: "native", what: "any program, started for each event: stdin to stdout", invoke: "hello"},
}

func templateNames() (names []string) {
	for _, t := range templateList {
		names = append(names, t.name)
	}
	return names
}

func (s *session) initCommand() *cobra.Command {
	list := ""
	for _, t := range templateList {
		list += fmt.Sprintf("  %-16s %s\n", t.name, t.what)
	}
	return &cobra.Command{
		Use:   "init TEMPLATE DIRECTORY",
		Short: "Write a small application to edit",
		Long: `Write a small, correct application into a new directory. Its name is the directory's.

Templates:
` + strings.TrimSuffix(list, "\n"),
		Example: `  fescue init python hello
  fescue init python-service thermostat`,
		Args:      args(cobra.ExactArgs(2)),
		ValidArgs: templateNames(),
		RunE: func(_ *cobra.Command, a []string) error {
			return s.writeTemplate(a[0], a[1])
		},
	}
}

func (s *session) writeTemplate(chosen, dir string) error {
	const op = "create application"
	i := slices.IndexFunc(templateList[:], func(t template) bool { return t.name == chosen })
	if i < 0 {
		return fail.New(fail.Invalid, op, "there is no template %q", chosen).WithHint("the templates are %s", strings.Join(templateNames(), ", "))
	}
	t := templateList[i]
	from, err := fs.Sub(templates, path.Join("templates", t.name))
	if err != nil {
		return fail.Wrap(err, fail.Internal, op, chosen)
	}
	name, err := spec.ParseName(filepath.Base(filepath.Clean(dir)))
	if err != nil {
		return fail.Wrap(err, fail.Invalid, op, dir)
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o755); err != nil {
		return fail.Wrap(err, fail.Internal, op, dir)
	}
	if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrExist) {
		return fail.New(fail.Conflict, op, "the directory exists").On(dir).WithHint("choose another name, or remove it first")
	} else if err != nil {
		return fail.Wrap(err, fail.Internal, op, dir)
	}
	if err := fill(dir, from, string(name)); err != nil {
		return fail.Wrap(err, fail.Internal, op, dir)
	}
	s.tellNext(t, dir, name)
	return nil
}

// tellNext says what to type next.
func (s *session) tellNext(t template, dir string, name spec.Name) {
	fmt.Fprintf(s.Stdout, "created %s\n\nnext:\n", dir)
	if t.build != "" {
		fmt.Fprintf(s.Stdout, "  %s\n", strings.ReplaceAll(t.build, "DIRECTORY", dir))
	}
	fmt.Fprintf(s.Stdout, "  fescue deploy %s\n  fescue logs -f %s\n", dir, name)
	if t.invoke != "" {
		fmt.Fprintf(s.Stdout, "  fescue invoke %s --data '%s'\n", name, t.invoke)
	}
}

// fill writes the template's files with the application's name put in.
func fill(dir string, from fs.FS, name string) error {
	module := strings.ReplaceAll(name, "-", "_")
	if module[0] >= '0' && module[0] <= '9' {
		module = "app_" + module // a Python module does not begin with a digit
	}
	replace := strings.NewReplacer("{{name}}", name, "{{module}}", module)
	return fs.WalkDir(from, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(from, p)
		if err != nil {
			return err
		}
		to, mode := p, fs.FileMode(0o644)
		if strings.HasPrefix(p, "handler.") {
			to = module + path.Ext(p)
		}
		if bytes.HasPrefix(text, []byte("#!")) {
			mode = 0o755
		}
		return os.WriteFile(filepath.Join(dir, to), []byte(replace.Replace(string(text))), mode)
	})
}
