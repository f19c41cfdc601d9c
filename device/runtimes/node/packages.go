package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/finder"
	"fescue.dev/fescue/fail"
)

// PackagesFolder, in an artifact, beside package.json, holds archives that the lock file
// refers to (file:packages/…), for a device without network.
const PackagesFolder = "packages"

// installed are the packages of an application, which may not be there yet.
type installed struct {
	path  string            // the folder that holds node_modules
	files map[string][]byte // what npm needs, by name; none where the SDK is all
}

// packagesOf names an application's packages by all that they are made from.
func (n *Node) packagesOf(p finder.Program, app runtimes.Application) (installed, error) {
	file := app.Configuration.Dependencies.Package
	h := sha256.New()
	fmt.Fprintf(h, "1\n%s\n", n.SDK)
	in := installed{files: map[string][]byte{}}
	if file != "" {
		major, _, _ := strings.Cut(p.Version, ".")
		fmt.Fprintf(h, "%s\n%s\n", p.Path, major) // a patch keeps what was compiled working
		if err := in.read(app.Dir, path.Dir(file)); err != nil {
			return in, err
		}
		for _, name := range in.names() {
			fmt.Fprintf(h, "%s %x\n", name, sha256.Sum256(in.files[name]))
		}
	}
	in.path = n.shelf.Path(hex.EncodeToString(h.Sum(nil))[:32])
	return in, nil
}

// read takes what npm needs from the artifact; a link must not lead the agent out of it.
func (in *installed) read(dir, folder string) error {
	const op = "read package.json"
	root, err := os.OpenRoot(filepath.Join(dir, filepath.FromSlash(folder)))
	if err != nil {
		return fail.Wrap(err, fail.NotFound, op, folder)
	}
	defer root.Close() //nolint:errcheck // only read
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		text, err := root.ReadFile(name)
		switch {
		case err == nil:
			in.files[name] = text
		case name == ".npmrc" && errors.Is(err, fs.ErrNotExist):
		case name == "package-lock.json" && errors.Is(err, fs.ErrNotExist):
			return fail.New(fail.Invalid, op, "there is no package-lock.json beside it").On(folder).
				WithHint("Run `npm install --package-lock-only` and add the file to the artifact: packages are installed exactly as it says.")
		default:
			return fail.Wrap(err, fail.NotFound, op, name)
		}
	}
	return fs.WalkDir(root.FS(), PackagesFolder, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && p == PackagesFolder {
			return fs.SkipAll
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		in.files[p], err = root.ReadFile(p)
		return err
	})
}

func (in *installed) names() []string {
	names := make([]string, 0, len(in.files))
	for name := range in.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Prepare installs the packages that the application asks for, and lets its code find them.
func (n *Node) Prepare(ctx context.Context, app runtimes.Application, run runtimes.Builder) (bool, error) {
	p, err := n.finder.Choose(ctx, app.Configuration.Runtime.Range())
	if err != nil {
		return false, err
	}
	in, err := n.packagesOf(p, app)
	if err != nil {
		return false, err
	}
	did, err := n.shelf.Make(ctx, filepath.Base(in.path), func(ctx context.Context, aside, _ string) error {
		if len(in.files) > 0 {
			if err := n.install(ctx, p, in, aside, run); err != nil {
				return fail.Wrap(err, fail.Invalid, "install packages", app.Configuration.Dependencies.Package)
			}
		}
		return n.addSDK(filepath.Join(aside, "node_modules"))
	})
	if err != nil {
		return did, err
	}
	return did && len(in.files) > 0, linkModules(app.Dir, filepath.Join(in.path, "node_modules"))
}

// addSDK makes the SDK a package among the others, unless the application brings its own.
func (n *Node) addSDK(modules string) error {
	if err := os.MkdirAll(modules, 0o755); err != nil {
		return err
	}
	err := os.Symlink(n.SDK, filepath.Join(modules, "fescue"))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// linkModules lets the application's modules find packages: ES modules are looked for in node_modules
// of the folders above, and nowhere else. An artifact that brings its node_modules keeps it.
func linkModules(dir, modules string) error {
	const op = "link packages"
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fail.Wrap(err, fail.NotFound, op, dir)
	}
	defer root.Close() //nolint:errcheck // nothing is written through it
	if now, err := root.Readlink("node_modules"); err == nil && now != modules {
		if err := root.Remove("node_modules"); err != nil { // of another SDK
			return fail.Wrap(err, fail.Internal, op, dir)
		}
	}
	if err := root.Symlink(modules, "node_modules"); err != nil && !errors.Is(err, fs.ErrExist) {
		return fail.Wrap(err, fail.Internal, op, dir)
	}
	return nil
}

// install runs npm in a copy of what it needs.
func (n *Node) install(ctx context.Context, p finder.Program, in installed, aside string, run runtimes.Builder) error {
	npm, err := npmOf(p)
	if err != nil {
		return err
	}
	for _, name := range in.names() {
		to := filepath.Join(aside, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, in.files[name], 0o644); err != nil {
			return err
		}
	}
	temporary := filepath.Join(aside, "tmp")
	said := &bytes.Buffer{}
	err = run(ctx, runtimes.Build{
		Argv: []string{p.Path, npm, "ci", "--omit=dev", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error", "--cache=" + temporary + "/cache"},
		Dir:  aside,
		Environment: append([]string{
			"PATH=" + filepath.Dir(p.Path) + ":/usr/local/bin:/usr/bin:/bin",
			"HOME=" + temporary, "TMPDIR=" + temporary, "NO_UPDATE_NOTIFIER=1",
		}, n.Environment...),
		ReadOnly: append(needs(p), filesNamed(n.Environment)...), ReadWrite: []string{aside}, Output: said,
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	if reason := npmError(said.String()); reason != "" {
		err = errors.New(reason)
	}
	return fail.New(fail.Invalid, "npm ci", "%w", err).
		WithHint("Check package-lock.json, and whether the device reaches the registry; for a device without network put archives into the artifact's folder %s and refer to them by file:.", PackagesFolder)
}

// npmOf finds npm beside Node.js, or in the usual places.
func npmOf(p finder.Program) (string, error) {
	for _, place := range []string{filepath.Join(p.Prefix(), "lib/node_modules/npm/bin/npm-cli.js"), "/usr/share/nodejs/npm/bin/npm-cli.js", "/usr/lib/node_modules/npm/bin/npm-cli.js"} {
		if _, err := os.Stat(place); err == nil {
			return place, nil
		}
	}
	return "", fail.New(fail.Unsupported, "find npm", "this device has Node.js %s and no npm with it", p).
		WithHint("Install npm on the device, for instance with `apt install npm`, or put node_modules into the artifact.")
}

// npmError is npm's reason in short: its lines without the mark, and without where its log is.
func npmError(said string) string {
	var reasons []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		text, ok := strings.CutPrefix(line, "npm ERR!")
		if !ok {
			text, ok = strings.CutPrefix(line, "npm error")
		}
		text = strings.TrimSpace(text)
		if !ok || text == "" || strings.HasPrefix(text, "A complete log") || strings.Contains(text, "_logs/") {
			continue
		}
		if reasons = append(reasons, text); len(reasons) == 4 {
			break
		}
	}
	return strings.Join(reasons, "; ")
}

// filesNamed are the files that npm's variables name: certificates, its configuration.
func filesNamed(environment []string) []string {
	var paths []string
	for _, v := range environment {
		_, value, _ := strings.Cut(v, "=")
		if filepath.IsAbs(value) && filepath.Clean(value) != "/" {
			if info, err := os.Stat(value); err == nil && info.Mode().IsRegular() {
				paths = append(paths, value)
			}
		}
	}
	return paths
}
