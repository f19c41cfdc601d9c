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

const (
	tempPrefix = ".tmp-"
	shimFolder = "bin" // links named python, for applications without environment
)

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
	if !i.pip { // it may have been installed since
		if i, err = p.askAgain(ctx, i); err != nil {
			return false, err
		}
	}
	release, err := p.alone(ctx, env.path)
	if err != nil {
		return false, err
	}
	defer release()
	if _, err := os.Stat(env.path); err == nil {
		return false, nil
	}
	return true, p.build(ctx, i, env, app, run)
}

// alone waits until nobody else builds the environment.
func (p *Python) alone(ctx context.Context, path string) (release func(), err error) {
	for {
		p.mu.Lock()
		busy, taken := p.building[path]
		if !taken {
			done := make(chan struct{})
			p.building[path] = done
			p.mu.Unlock()
			return func() {
				p.mu.Lock()
				delete(p.building, path)
				p.mu.Unlock()
				close(done)
			}, nil
		}
		p.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, fail.Wrap(context.Cause(ctx), fail.Timeout, "wait for Python environment", path)
		}
	}
}

// build makes the environment aside and gives it its name when it is complete
// and on disk.
func (p *Python) build(ctx context.Context, i interpreter, env environment, app runtimes.Application, run runtimes.Builder) (err error) {
	const op = "build Python environment"
	aside, err := os.MkdirTemp(p.Dir, tempPrefix)
	if err != nil {
		return fail.Wrap(err, fail.Exhausted, op, p.Dir)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeAll(aside))
		}
	}()
	if err := os.Mkdir(filepath.Join(aside, "tmp"), 0o700); err != nil {
		return fail.Wrap(err, fail.Exhausted, op, aside)
	}
	b := builder{python: p, interpreter: i, env: env, app: app, aside: aside, run: run}
	if err := b.venv(ctx); err != nil {
		return fail.Wrap(err, fail.Internal, op, string(app.Configuration.Name))
	}
	if err := b.install(ctx); err != nil {
		return fail.Wrap(err, fail.Invalid, op, string(app.Configuration.Name))
	}
	if err := finish(aside, env.path); err != nil {
		return fail.Wrap(err, fail.Exhausted, op, env.path)
	}
	return nil
}

// finish makes the environment everybody's to read and nobody's to change, and
// puts it in its place.
func finish(aside, path string) error {
	if err := os.RemoveAll(filepath.Join(aside, "tmp")); err != nil {
		return err
	}
	if err := relocate(filepath.Join(aside, "bin"), aside, path); err != nil {
		return err
	}
	if err := protect(aside); err != nil {
		return err
	}
	if err := syncFileSystem(aside); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	return syncFileSystem(filepath.Dir(path))
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

// protect gives everything to the agent and takes the right to write. The program
// that built it has ended, so nothing changes meanwhile.
func protect(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := os.Lchown(path, os.Geteuid(), os.Getegid()); err != nil {
			return err
		}
		if d.Type() == fs.ModeSymlink {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o444)
		if d.IsDir() || info.Mode().Perm()&0o111 != 0 {
			mode = 0o555
		}
		return os.Chmod(path, mode)
	})
}

// removeAll removes what protect has protected: as another user than root the
// directories must be writable first.
func removeAll(dir string) error {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700) // RemoveAll says what is wrong, if something is
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// Sweep removes environments and links that none of the applications needs, and
// builds that were interrupted. If it cannot tell what one needs, it removes nothing.
func (p *Python) Sweep(ctx context.Context, keep []runtimes.Application) error {
	const op = "sweep Python environments"
	needed := map[string]bool{filepath.Join(p.Dir, shimFolder): true, filepath.Join(p.Dir, memoryFile): true}
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
		needed[env.path] = true
	}
	entries, err := os.ReadDir(p.Dir)
	for _, e := range entries {
		path := filepath.Join(p.Dir, e.Name())
		if !needed[path] {
			err = errors.Join(err, removeAll(path))
		}
	}
	return fail.Wrap(err, fail.Internal, op, p.Dir)
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
