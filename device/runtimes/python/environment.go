package python

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/fail"
)

const shimFolder = "bin" // links named python, for applications without environment

// Prepare builds the environment that the application's requirements ask for,
// if it is not there.
func (p *Python) Prepare(ctx context.Context, app runtimes.Application, run runtimes.Builder) (bool, error) {
	i, err := p.choose(ctx, app.Configuration.Runtime.Range())
	if err != nil {
		return false, err
	}
	p.compileSDK(ctx, i)
	env, err := p.environmentOf(i, app)
	if err != nil || env.path == "" {
		return false, err
	}
	return p.shelf.Make(ctx, filepath.Base(env.path), func(ctx context.Context, aside, path string) error {
		if !i.pip { // it may have been installed since
			if i, err = p.askAgain(ctx, i); err != nil {
				return err
			}
		}
		b := builder{python: p, interpreter: i, env: env, app: app, aside: aside, run: run}
		return b.build(ctx, path)
	})
}

// build makes the environment aside, for its later path.
func (b *builder) build(ctx context.Context, path string) error {
	const op = "build Python environment"
	if err := b.venv(ctx); err != nil {
		return fail.Wrap(err, fail.Internal, op, string(b.app.Configuration.Name))
	}
	if err := b.install(ctx); err != nil {
		return fail.Wrap(err, fail.Invalid, op, string(b.app.Configuration.Name))
	}
	return fail.Wrap(relocate(filepath.Join(b.aside, "bin"), b.aside, path), fail.Exhausted, op, path)
}

// relocate rewrites the path that scripts bear in their first line, and activation
// scripts elsewhere: they were made where the environment was built.
func relocate(bin, from, to string) error {
	entries, err := os.ReadDir(bin)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		file := filepath.Join(bin, e.Name())
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if bytes.IndexByte(text, 0) >= 0 || !bytes.Contains(text, []byte(from)) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(from), []byte(to)), info.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

// Sweep removes environments and links that none of the applications needs, and
// builds that were interrupted. If it cannot tell what one needs, it removes nothing.
func (p *Python) Sweep(ctx context.Context, keep []runtimes.Application) error {
	const op = "sweep Python environments"
	needed := map[string]bool{shimFolder: true, memoryFile: true}
	for _, app := range keep {
		i, err := p.choose(ctx, app.Configuration.Runtime.Range())
		if err != nil {
			return fail.Wrap(err, fail.Internal, op, string(app.Configuration.Name))
		}
		env, err := p.environmentOf(i, app)
		if errors.Is(err, fs.ErrNotExist) {
			continue // not unpacked yet: it will be prepared later
		}
		if err != nil {
			return fail.Wrap(err, fail.Internal, op, string(app.Configuration.Name))
		}
		needed[filepath.Base(env.path)] = true
	}
	return p.shelf.Sweep(needed)
}

// pipVariables are those of an environment that say how the index is reached.
func pipVariables(environ []string) []string {
	var out []string
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case strings.HasPrefix(name, "PIP_"):
		case name == "SSL_CERT_FILE", name == "SSL_CERT_DIR", name == "REQUESTS_CA_BUNDLE":
		case strings.EqualFold(name, "http_proxy"), strings.EqualFold(name, "https_proxy"), strings.EqualFold(name, "no_proxy"), strings.EqualFold(name, "all_proxy"):
		default:
			continue
		}
		out = append(out, v)
	}
	return out
}
