package container

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"fescue.dev/fescue/fail"
)

// engine is a program that starts containers (OCI runtime specification).
type engine struct{ name, path, version string }

// places are directories searched besides the PATH: where Podman, CRI-O, Docker and k3s
// bring their own.
var places = [...]string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/libexec/podman", "/usr/lib/podman", "/usr/libexec/crio", "/usr/lib/cri-o-runc/sbin"}

// names of engines, the one that takes less memory first.
var names = [...]string{"crun", "runc", "docker-runc"}

// engine finds the first that works.
func (c *Container) engine(ctx context.Context) (engine, error) {
	if os.Geteuid() != 0 {
		return engine{}, fail.New(fail.Unsupported, "find container engine", "an agent without root has no users to give to a container").
			WithHint("Run the agent as root; applications themselves never are.")
	}
	dirs := places[:]
	if c.options.Path != "" {
		dirs = filepath.SplitList(c.options.Path)
	}
	for _, name := range names {
		for _, dir := range dirs {
			e := engine{name: strings.TrimPrefix(name, "docker-"), path: filepath.Join(dir, name)}
			if e.ask(ctx) {
				return e, nil
			}
		}
	}
	return engine{}, fail.New(fail.Unsupported, "find container engine", "this device has neither crun nor runc").
		WithHint("Install one on the device, for instance with `apt install crun` (Podman and Docker bring one); `fescue doctor` tells what was found.")
}

// ask tells whether the engine is there and says its version.
func (e *engine) ask(ctx context.Context) bool {
	real, err := filepath.EvalSymlinks(e.path)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, real, "--version")
	cmd.Dir, cmd.WaitDelay = "/", time.Second
	said, err := cmd.Output()
	if err != nil {
		return false
	}
	// "crun version 1.8.1", "runc version 1.1.5+ds1"
	line, _, _ := strings.Cut(string(said), "\n")
	_, version, ok := strings.Cut(line, " version ")
	e.path, e.version = real, version
	return ok
}

// argv starts the container of the bundle. The sandbox that it runs in has the control
// groups, so the engine is kept from making its own: crun is told, and runc, which cannot be,
// gives up where they are read-only and it believes to have no rights to them.
func (e engine) argv(bundle string, files int) (argv, readOnly []string) {
	const state = "/tmp/.engine"
	argv = []string{e.path, "--root", state, "--cgroup-manager=disabled"}
	if e.name == "runc" {
		argv = []string{e.path, "--root", state, "--rootless", "true"}
		readOnly = []string{"/sys/fs/cgroup"}
	}
	argv = append(argv, "run", "--bundle", bundle)
	if files > 0 {
		argv = append(argv, "--preserve-fds", strconv.Itoa(files))
	}
	return append(argv, "container"), append(readOnly, e.path)
}
