package cli

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

//go:embed templates
var templates embed.FS

func (s *session) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init TEMPLATE DIRECTORY",
		Short: "Write a small application to edit",
		Long: `Write a small, correct application into a new directory. Its name is the directory's.

Templates:
  python           a function, called for every message on a topic
  python-service   a program that keeps running and uses topics itself`,
		Example: `  fescue init python hello
  fescue init python-service thermostat`,
		Args:      args(cobra.ExactArgs(2)),
		ValidArgs: []string{"python", "python-service"},
		RunE: func(_ *cobra.Command, a []string) error {
			return s.writeTemplate(a[0], a[1])
		},
	}
}

func (s *session) writeTemplate(template, dir string) error {
	const op = "create application"
	from, err := fs.Sub(templates, path.Join("templates", template))
	if err != nil || !exists(from) {
		return fail.New(fail.Invalid, op, "there is no template %q", template).WithHint("the templates are python and python-service")
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
	fmt.Fprintf(s.Stdout, "created %s\n\nnext:\n  fescue deploy %s\n  fescue logs -f %s\n", dir, dir, name)
	if template == "python" {
		fmt.Fprintf(s.Stdout, "  fescue invoke %s --data '{\"name\": \"Ada\"}'\n", name)
	}
	return nil
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
		to := p
		if p == "handler.py" {
			to = module + ".py"
		}
		return os.WriteFile(filepath.Join(dir, to), []byte(replace.Replace(string(text))), 0o644)
	})
}

func exists(f fs.FS) bool {
	entries, err := fs.ReadDir(f, ".")
	return err == nil && len(entries) > 0
}
