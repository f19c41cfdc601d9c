// Package node is the runtime of JavaScript applications: how Node.js is found,
// how packages are installed, how functions and commands are started.
//
// The deployment engine calls it through runtimes.Runtime. It promises: packages are installed
// exactly as package-lock.json says, confined, once for all applications that need the same; CommonJS and ES
// modules find them, and the SDK `fescue`, by Node's own rules.
package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/finder"
	"fescue.dev/fescue/device/runtimes/shelf"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Options are a Node.js runtime's.
type Options struct {
	Dir string // where installed packages are kept; its own
	SDK string // the directory of the package fescue
	// Path is searched for Node.js, besides the usual places; "" is the PATH of this process.
	Path string
	// Environment is for npm: registries, proxies, certificates. nil takes those of this process
	// whose names concern npm or proxies.
	Environment []string
}

// Node is the runtime.
type Node struct {
	Options
	finder *finder.Finder
	shelf  *shelf.Shelf
}

var _ runtimes.Runtime = (*Node)(nil)

// New makes the runtime and its directory.
func New(o Options) (*Node, error) {
	if o.Environment == nil {
		o.Environment = npmVariables(os.Environ())
	}
	kept, err := shelf.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	return &Node{Options: o, shelf: kept, finder: finder.New(finder.Language{
		Name: "Node.js", Program: "node", Oldest: ">=18.0.0", Ask: []string{"--version"}, Install: "nodejs npm",
		Version: func(said string) string {
			version, ok := strings.CutPrefix(strings.TrimSpace(said), "v")
			if !ok || strings.ContainsAny(version, " \n") {
				return ""
			}
			return version
		},
		Places: []string{"/opt/node*/bin"},
	}, o.Path)}, nil
}

// Name is "node".
func (*Node) Name() string { return spec.RuntimeNode }

// Describe is the Node.js that is taken without a condition.
func (n *Node) Describe(ctx context.Context) string {
	p, err := n.finder.Choose(ctx, "")
	if err != nil {
		return ""
	}
	return p.String()
}

// Check tells whether the device has a Node.js that satisfies the condition.
func (n *Node) Check(ctx context.Context, want spec.Range) error {
	_, err := n.finder.Choose(ctx, want)
	return err
}

// Surroundings put Node.js and the programs of packages first in the path.
func (n *Node) Surroundings(ctx context.Context, app runtimes.Application) (s runtimes.Surroundings, err error) {
	p, err := n.finder.Choose(ctx, app.Configuration.Runtime.Range())
	if err != nil {
		return s, err
	}
	packages, err := n.packagesOf(p, app)
	if err != nil {
		return s, err
	}
	s.Path = []string{filepath.Join(packages.path, "node_modules", ".bin"), filepath.Dir(p.Path)}
	s.Environment = []string{"NODE_ENV=production", "NO_UPDATE_NOTIFIER=1"}
	s.ReadOnly = append(needs(p), n.SDK, packages.path)
	return s, nil
}

// needs are the paths that must be shown for a program, beyond the system's.
func needs(p finder.Program) []string {
	if strings.HasPrefix(p.Path, "/usr/") {
		return nil
	}
	return []string{p.Prefix()}
}

// ownMemory is what Node.js takes besides the heap of JavaScript.
const ownMemory = 48 << 20

// Worker is the SDK's. Its heap is bounded, so that one that meets the limit says so and is not killed.
func (n *Node) Worker(ctx context.Context, app runtimes.Application) ([]string, error) {
	p, err := n.finder.Choose(ctx, app.Configuration.Runtime.Range())
	if err != nil {
		return nil, err
	}
	limit := app.Configuration.Limits.Memory
	heap := max(limit-ownMemory, limit/2) >> 20
	return []string{p.Path, fmt.Sprintf("--max-old-space-size=%d", max(heap, 8)), filepath.Join(n.SDK, "src", "worker.js")}, nil
}

// Sweep removes installed packages that none of the applications needs.
func (n *Node) Sweep(ctx context.Context, keep []runtimes.Application) error {
	needed := map[string]bool{}
	for _, app := range keep {
		p, err := n.finder.Choose(ctx, app.Configuration.Runtime.Range())
		if err != nil {
			return fail.Wrap(err, fail.Internal, "sweep packages", string(app.Configuration.Name))
		}
		packages, err := n.packagesOf(p, app)
		if fail.Is(err, fail.NotFound) {
			continue // not unpacked yet
		}
		if err != nil {
			return err
		}
		needed[filepath.Base(packages.path)] = true
	}
	return n.shelf.Sweep(needed)
}

// npmVariables are those of an environment that say how the registry is reached.
func npmVariables(environ []string) []string {
	var out []string
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		switch lower := strings.ToLower(name); {
		case strings.HasPrefix(lower, "npm_config_"), lower == "node_extra_ca_certs", name == "SSL_CERT_FILE":
		case lower == "http_proxy", lower == "https_proxy", lower == "no_proxy", lower == "all_proxy":
		default:
			continue
		}
		out = append(out, v)
	}
	return out
}
