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
	pip     bool   // it can run pip

	public bool // every user can reach it
	order  int  // in which it was found
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

// choose takes the best interpreter that satisfies the condition. If none of those
// known does, it looks again: one may have been installed since.
func (p *Python) choose(ctx context.Context, want spec.Range) (interpreter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := !p.scanned
	for {
		if !p.scanned {
			found, err := scan(ctx, p.Path)
			if err != nil {
				return interpreter{}, err
			}
			p.found, p.scanned = found, true
		}
		for _, i := range p.found {
			if oldest.ContainsLoose(i.version) && want.ContainsLoose(i.version) && i.there() {
				return i, nil
			}
		}
		if fresh {
			return interpreter{}, p.none(want)
		}
		p.scanned, fresh = false, true
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

// scan asks every python3 and python3.x on the path what it is. Those that all users
// can reach come first: applications run as users of their own. Then the order of the
// path counts, a plain python3 before others of its directory.
func scan(ctx context.Context, path string) ([]interpreter, error) {
	var found []interpreter
	seen, asked := map[string]bool{}, map[string]bool{}
	for _, dir := range append(filepath.SplitList(path), usual[:]...) {
		for _, program := range programs(dir) {
			if target, err := filepath.EvalSymlinks(program); err != nil || asked[target] {
				continue
			} else if filepath.Base(filepath.Dir(target)) != "shims" && strings.HasPrefix(filepath.Base(target), "python") {
				asked[target] = true // a launcher with another name may choose by the name it is called
			}
			i, err := ask(ctx, program)
			if ctx.Err() != nil {
				return nil, fail.Wrap(ctx.Err(), fail.Timeout, "find Python", program)
			}
			if err != nil || seen[i.path] {
				continue
			}
			seen[i.path] = true
			i.order = len(found)
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b interpreter) int {
		if a.public != b.public {
			return map[bool]int{true: -1, false: 1}[a.public]
		}
		return cmp.Compare(a.order, b.order)
	})
	return found, nil
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
    "tag": sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag,
    "pip": importlib.util.find_spec("pip") is not None,
}))`

// ask runs a program that claims to be Python.
func ask(ctx context.Context, program string) (interpreter, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-I", "-c", question)
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return interpreter{}, err
	}
	var answer struct {
		Path, Version, Prefix, Tag string
		Pip                        bool
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return interpreter{}, err
	}
	if !filepath.IsAbs(answer.Path) {
		return interpreter{}, fail.New(fail.Internal, "ask Python", "it does not know its own path").On(program)
	}
	return interpreter{
		path: answer.Path, version: answer.Version, prefix: answer.Prefix, tag: answer.Tag, pip: answer.Pip,
		public: public(answer.Path),
	}, nil
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
