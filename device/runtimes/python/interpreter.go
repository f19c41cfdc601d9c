package python

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// oldest is what the SDK needs.
const oldest spec.Range = ">=3.9.0"

// interpreter is a Python of this device.
type interpreter struct {
	path    string // the real program, no launcher and no environment's link
	version string // "3.11.2"
	prefix  string // where its library is
	tag     string // its binary interface: "cpython-311-x86_64-linux-gnu"
	cache   string // what its byte code files are called by: "cpython-311"
	pip     bool   // it can run pip

	public bool // every user can reach it
}

// String is for people: "3.11.2 (/usr/bin/python3)".
func (i interpreter) String() string { return fmt.Sprintf("%s (%s)", i.version, i.path) }

// minor is the version without its last number: environments outlive patches.
func (i interpreter) minor() string {
	return i.version[:max(0, strings.LastIndexByte(i.version, '.'))]
}

// needs are the paths that must be shown for it, beyond the system's.
func (i interpreter) needs() []string {
	if i.prefix == "/usr" {
		return nil
	}
	needs := []string{i.prefix}
	if !strings.HasPrefix(i.path, i.prefix+"/") {
		needs = append(needs, filepath.Dir(i.path))
	}
	return needs
}

// choose takes the first interpreter that satisfies the condition, of those that
// all users can reach before others: applications run as users of their own.
// Programs are asked one after the other and only until one will do, because
// each answer costs a start of Python. If none of those known does, it looks
// again: one may have been installed since.
func (p *Python) choose(ctx context.Context, want spec.Range) (interpreter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for fresh := p.candidates == nil; ; fresh = true {
		if p.candidates == nil {
			p.candidates, p.found = candidates(p.Path), nil
		}
		i, ok, err := p.search(ctx, want)
		if err != nil || ok {
			return i, err
		}
		if fresh {
			return interpreter{}, p.none(want)
		}
		p.candidates = nil
	}
}

// askAgain asks an interpreter about what may have changed around it.
func (p *Python) askAgain(ctx context.Context, i interpreter) (interpreter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory.forget(i.path)
	now, err := p.memory.ask(ctx, i.path)
	if err != nil {
		return i, fail.Wrap(err, fail.Unsupported, "ask Python", i.path)
	}
	for n := range p.found {
		if p.found[n].path == i.path {
			p.found[n] = now
		}
	}
	return now, nil
}

// search asks the candidates in turn; one that not all users can reach is taken
// only when there is no other.
func (p *Python) search(ctx context.Context, want spec.Range) (best interpreter, ok bool, err error) {
	for n := 0; ; n++ {
		if n == len(p.found) {
			if len(p.candidates) == 0 {
				return best, ok, nil
			}
			i, err := p.memory.ask(ctx, p.candidates[0])
			if ctx.Err() != nil {
				return best, false, fail.Wrap(context.Cause(ctx), fail.Timeout, "find Python", p.candidates[0])
			}
			p.candidates = p.candidates[1:]
			if err != nil || slices.ContainsFunc(p.found, func(f interpreter) bool { return f.path == i.path }) {
				n--
				continue
			}
			p.found = append(p.found, i)
		}
		i := p.found[n]
		if !oldest.ContainsLoose(i.version) || !want.ContainsLoose(i.version) || !i.there() {
			continue
		}
		if i.public {
			return i, true, nil
		}
		if !ok {
			best, ok = i, true
		}
	}
}

// none tells what was looked for and what there is.
func (p *Python) none(want spec.Range) error {
	condition := "Python " + string(oldest)
	if want != "" {
		condition = "Python " + string(want)
	}
	if len(p.found) == 0 {
		return fail.New(fail.Unsupported, "find runtime", "%s is asked for, and this device has no Python", condition).
			WithHint("Install python3 on the device, for instance with `apt install python3`.")
	}
	var have []string
	for _, i := range p.found {
		have = append(have, i.String())
	}
	return fail.New(fail.Unsupported, "find runtime", "%s is asked for, and this device has %s", condition, strings.Join(have, ", ")).
		WithHint("Install another Python on the device (as python3.x on the agent's PATH), or change `runtime` in the configuration.")
}

func (i interpreter) there() bool {
	_, err := os.Stat(i.path)
	return err == nil
}

var programName = regexp.MustCompile(`^python3(\.\d+)?$`)

// usual are searched besides the PATH, whatever that is for a system service.
var usual = [...]string{"/usr/local/bin", "/usr/bin", "/bin"}

// candidates are the programs on the path that may be interpreters: those that
// all users can reach first, then in the order of the path.
func candidates(path string) []string {
	var reachable, others []string
	seen := map[string]bool{}
	for _, dir := range append(filepath.SplitList(path), usual[:]...) {
		for _, program := range programs(dir) {
			target, err := filepath.EvalSymlinks(program)
			if err != nil || seen[target] {
				continue
			}
			if strings.HasPrefix(filepath.Base(target), "python") && filepath.Base(filepath.Dir(target)) != "shims" {
				seen[target] = true // a launcher with another name may choose by the name it is called
			}
			if public(target) {
				reachable = append(reachable, program)
			} else {
				others = append(others, program)
			}
		}
	}
	return slices.Concat(reachable, others)
}

// programs are the interpreters' names in a directory: python3, then the newest first.
func programs(dir string) []string {
	if !filepath.IsAbs(dir) {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if programName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if a == "python3" || b == "python3" {
			return cmp.Compare(len(a), len(b))
		}
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(b, a)) // 3.13 before 3.9
	})
	for i := range names {
		names[i] = filepath.Join(dir, names[i])
	}
	return names
}

const question = `
import sys, sysconfig, json, importlib.util
print(json.dumps({
    "path": getattr(sys, "_base_executable", None) or sys.executable,
    "version": "%d.%d.%d" % sys.version_info[:3],
    "prefix": sys.base_prefix,
    "cache": sys.implementation.cache_tag,
    "tag": sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag,
    "pip": importlib.util.find_spec("pip") is not None,
}))`

// answer is what a program says of itself.
type answer struct {
	Path, Version, Prefix, Tag, Cache string
	Pip                               bool
}

func (a answer) interpreter() interpreter {
	return interpreter{
		path: a.Path, version: a.Version, prefix: a.Prefix, tag: a.Tag, cache: a.Cache, pip: a.Pip,
		public: public(a.Path),
	}
}

// ask runs a program that claims to be Python.
func ask(ctx context.Context, program string) (a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-I", "-c", question)
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(out, &a); err != nil {
		return a, err
	}
	if !filepath.IsAbs(a.Path) {
		return a, fail.New(fail.Internal, "ask Python", "it does not know its own path").On(program)
	}
	return a, nil
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
