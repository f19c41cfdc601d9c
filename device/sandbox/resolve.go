package sandbox

import (
	"os"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/device/sandbox/jail"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// resolve checks options and fills in what was left out.
func (s *Sandbox) resolve(o Options) (Options, error) {
	if err := check(o); err != nil {
		return o, err
	}
	if o.Mode == "" {
		o.Mode = spec.ModeSandbox
	}
	if o.Isolation == spec.IsolationStrict {
		if err := s.Require(); err != nil {
			return o, err
		}
	}
	if o.Mode == spec.ModeSandbox && o.Isolation == spec.IsolationNone {
		o.Mode = spec.ModeUser
	}
	if o.Network == "" {
		o.Network = NetworkHost
		if o.Mode == spec.ModeSandbox {
			o.Network = NetworkNone
		}
	}
	if o.Dir == "" {
		o.Dir = "/"
	}
	if o.Mode != spec.ModeSandbox || o.Network == NetworkHost {
		o.Reach = nil // it has the device's network
	}
	if o.Mode == spec.ModeSandbox {
		groups, err := grantDevices(o)
		if err != nil {
			return o, err
		}
		o.groups = groups
	}
	if o.Mode == spec.ModeRoot {
		o.UID, o.GID = os.Geteuid(), os.Getegid()
		return o, nil
	}
	if o.UID == 0 {
		uid, gid, err := s.UserFor(o.Application)
		if err != nil {
			return o, err
		}
		o.UID = uid
		if o.GID == 0 {
			o.GID = gid
		}
	}
	if own := os.Geteuid(); own != 0 && own != o.UID {
		return o, invalid(o, "user %d cannot run programs as user %d", own, o.UID).
			WithHint("Run the agent as root, or leave the user out: the application then has the agent's own.")
	}
	return o, nil
}

func invalid(o Options, format string, args ...any) *fail.Error {
	return fail.New(fail.Invalid, "start program", format, args...).On(string(o.Application))
}

// check finds what can be told without trying.
func check(o Options) error {
	if !plainName(string(o.Application)) {
		return invalid(o, "the application has no valid name")
	}
	if len(o.Argv) == 0 || o.Argv[0] == "" {
		return invalid(o, "no program").WithHint("Name a program in the command.")
	}
	if len(o.Files) > jail.MaxFiles {
		return invalid(o, "%d descriptors for the program; at most %d", len(o.Files), jail.MaxFiles)
	}
	for _, text := range append(append([]string{o.Dir}, o.Argv...), o.Env...) {
		if strings.ContainsRune(text, 0) {
			return invalid(o, "an argument, variable or path holds a NUL byte")
		}
	}
	switch o.Mode {
	case "", spec.ModeSandbox, spec.ModeUser, spec.ModeRoot:
	default:
		return invalid(o, "unknown mode %q", o.Mode).WithHint("Modes are sandbox, user and root.")
	}
	switch o.Isolation {
	case "", spec.IsolationSandbox, spec.IsolationStrict, spec.IsolationNone:
	case spec.IsolationContainer:
		return fail.New(fail.Unsupported, "start program", "isolation container is not in this version").On(string(o.Application)).
			WithHint("Use isolation sandbox, which needs no container engine.")
	default:
		return invalid(o, "unknown isolation %q", o.Isolation)
	}
	switch o.Network {
	case "", NetworkNone, NetworkHost:
	default:
		return invalid(o, "unknown network %q", o.Network).WithHint("Networks are none and host.")
	}
	if o.Dir != "" && !filepath.IsAbs(o.Dir) {
		return invalid(o, "working directory %q is not absolute", o.Dir)
	}
	return checkPaths(o)
}

// plainName keeps a name from leaving the folder of control groups.
func plainName(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= 128 && !strings.ContainsAny(name, "/\x00")
}

// checkPaths refuses what would undo the sandbox or cannot be shown.
func checkPaths(o Options) error {
	for _, path := range append(append([]string{}, o.ReadOnly...), o.ReadWrite...) {
		switch clean := filepath.Clean(path); {
		case !filepath.IsAbs(path) || strings.ContainsRune(path, 0):
			return invalid(o, "path to show %q is not absolute", path)
		case clean == "/" || clean == "/proc" || strings.HasPrefix(clean, "/proc/") || clean == "/dev":
			return invalid(o, "%s cannot be shown as a whole", path).
				WithHint("Name the folders or device files below it that the application needs, or use mode user.")
		}
	}
	return nil
}
