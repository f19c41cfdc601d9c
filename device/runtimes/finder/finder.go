// Package finder finds the programs of a language on a device, node or java, and
// remembers which version each is.
//
// The runtimes below device/runtimes call it. It promises: programs are asked only when one is
// needed, and again only when their files have changed; the program taken is the first of the path that
// satisfies a condition and that every user can run; an error names what was asked for and
// all that there is.
package finder

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Language says how its programs are found.
type Language struct {
	Name    string     // for people: "Node.js"
	Program string     // "node"
	Oldest  spec.Range // what the SDK needs: ">=18.0.0"
	Ask     []string   // arguments with which it tells its version
	// Version finds the version in what it says; "" if it is another program.
	Version func(said string) string
	Install string // what to install: "nodejs"
	// Places are patterns of directories searched besides the path's.
	Places []string
}

// Program is one that was found.
type Program struct {
	Path    string // the real one, no link
	Version string
}

// String is for people: "20.20.2 (/usr/bin/node)".
func (p Program) String() string { return fmt.Sprintf("%s (%s)", p.Version, p.Path) }

// Prefix is the directory that holds its bin, and its libraries.
func (p Program) Prefix() string { return filepath.Dir(filepath.Dir(p.Path)) }

// Finder finds programs of one language.
type Finder struct {
	language Language
	path     string

	mu       sync.Mutex
	answered map[string]answered // by real path
}

type answered struct {
	modified time.Time
	size     int64
	version  string // "": it is another program
}

// New makes a finder; path is searched, "" is the PATH of this process.
func New(l Language, path string) *Finder {
	if path == "" {
		path = os.Getenv("PATH")
	}
	return &Finder{language: l, path: path, answered: map[string]answered{}}
}

// Choose takes the first program that satisfies the condition.
func (f *Finder) Choose(ctx context.Context, want spec.Range) (Program, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []string
	for _, path := range f.candidates() {
		version, err := f.version(ctx, path)
		switch {
		case ctx.Err() != nil:
			return Program{}, fail.Wrap(context.Cause(ctx), fail.Timeout, "find "+f.language.Name, path)
		case err != nil || version == "":
			continue
		}
		p := Program{path, version}
		if f.language.Oldest.ContainsLoose(version) && want.ContainsLoose(version) {
			return p, nil
		}
		found = append(found, p.String())
	}
	return Program{}, f.none(want, found)
}

func (f *Finder) none(want spec.Range, found []string) error {
	l := f.language
	asked := l.Name + " " + string(l.Oldest)
	if want != "" {
		asked = l.Name + " " + string(want)
	}
	if len(found) == 0 {
		return fail.New(fail.Unsupported, "find runtime", "%s is asked for, and this device has no %s", asked, l.Name).
			WithHint("Install it on the device, for instance with `apt install %s`.", l.Install)
	}
	return fail.New(fail.Unsupported, "find runtime", "%s is asked for, and this device has %s", asked, strings.Join(found, ", ")).
		WithHint("Install another %s on the device, on the agent's PATH, or change `runtime` in the configuration.", l.Name)
}

// candidates are the real paths of programs with the name, in the order of the path, without
// those that applications' users could not run.
func (f *Finder) candidates() []string {
	dirs := append(filepath.SplitList(f.path), "/usr/local/bin", "/usr/bin", "/bin")
	for _, pattern := range f.language.Places {
		more, _ := filepath.Glob(pattern) // the patterns are valid
		dirs = append(dirs, more...)
	}
	var all []string
	seen := map[string]bool{}
	for _, dir := range dirs {
		real, err := filepath.EvalSymlinks(filepath.Join(dir, f.language.Program))
		if err != nil || !filepath.IsAbs(dir) || seen[real] || !public(real) {
			continue
		}
		seen[real] = true
		all = append(all, real)
	}
	return all
}

// version asks a program, or remembers what it said.
func (f *Finder) version(ctx context.Context, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if a, ok := f.answered[path]; ok && a.modified.Equal(info.ModTime()) && a.size == info.Size() {
		return a.version, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, f.language.Ask...)
	cmd.Dir, cmd.WaitDelay = "/", time.Second
	said, err := cmd.CombinedOutput()
	if err != nil {
		return "", err
	}
	a := answered{info.ModTime(), info.Size(), f.language.Version(string(said))}
	f.answered[path] = a
	return a.version, nil
}

// public tells whether users other than the agent's can run the program.
func public(path string) bool {
	if os.Geteuid() != 0 {
		return true // applications have the agent's own user
	}
	for p := path; ; p = filepath.Dir(p) {
		info, err := os.Stat(p)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if p == "/" {
			return true
		}
	}
}
