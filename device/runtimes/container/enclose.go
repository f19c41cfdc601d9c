package container

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// bundleDir is sandbox.BundleDir.
const bundleDir = "/run/bundle"

// box is an application's image, in which its programs are started.
type box struct {
	options  Options
	record   record
	engine   engine
	tree     string
	writable bool
	memory   spec.Bytes
}

var _ runtimes.Container = (*box)(nil)

// Program is what the image starts.
func (b *box) Program() ([]string, error) { return b.record.program() }

// fewChanges is enough for the directories that the engine makes to put mounts on.
const fewChanges spec.Bytes = 1 << 20

// Enclose makes the engine's configuration for a program.
func (b *box) Enclose(p runtimes.Program) (runtimes.Enclosed, error) {
	signal, err := stopSignal(b.record.Config.Config.StopSignal)
	if err != nil {
		return runtimes.Enclosed{}, err
	}
	users, err := b.users(p)
	if err != nil {
		return runtimes.Enclosed{}, err
	}
	s := b.configuration(p, users)
	config, err := json.Marshal(s)
	if err != nil {
		return runtimes.Enclosed{}, fail.Wrap(err, fail.Internal, "start container", b.tree)
	}
	changes := fewChanges
	if b.writable {
		changes = max(b.memory, fewChanges) // they count as its memory
	}
	argv, readOnly := b.engine.argv(bundleDir, p.Files)
	return runtimes.Enclosed{Argv: argv, ReadOnly: readOnly, Root: b.tree, Changes: changes, Config: config, Signal: int(signal)}, nil
}

// users is who the program is, and who that is on the device.
type users struct {
	uid, gid int // in the container
	groups   []int
	uids     []mapping
	gids     []mapping
}

// users maps the image's user to the application's, and the image's root, if that is another, to
// a user under whom no program runs: it sets the container up.
func (b *box) users(p runtimes.Program) (users, error) {
	u := users{uid: b.record.UID, gid: b.record.GID}
	uid, gid := p.UID, p.GID
	if u.uid != 0 || u.gid != 0 {
		var err error
		if uid, gid, err = b.options.User("container.setup"); err != nil { // no application can be called so
			return u, err
		}
	}
	u.uids, u.gids = mapped(0, uid, u.uid, p.UID), mapped(0, gid, u.gid, p.GID)
	for _, d := range p.Devices {
		info, err := os.Stat(string(d))
		if err != nil {
			return u, fail.Wrap(err, fail.NotFound, "grant device", string(d))
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		if group := int(owner.Gid); ok && group != 0 && !slices.Contains(u.groups, group) {
			u.groups = append(u.groups, group)
			u.gids = append(u.gids, mapping{group, group, 1})
		}
	}
	return u, nil
}

// mapped maps the container's root, and its program's user if that is another.
func mapped(root, rootOutside, program, outside int) []mapping {
	if program == root {
		return []mapping{{root, outside, 1}}
	}
	return []mapping{{root, rootOutside, 1}, {program, outside, 1}}
}

// findUser reads the image's user: "name", "id", "name:group" or "id:id".
func (r *record) findUser(tree string) error {
	who, group, grouped := strings.Cut(r.Config.Config.User, ":")
	root, err := os.OpenRoot(tree) // the image's links lead nowhere else
	if err != nil {
		return fail.Wrap(err, fail.Internal, "read image", tree)
	}
	defer root.Close() //nolint:errcheck // only read
	if who == "" {
		who = "0"
	}
	entry := find(root, "etc/passwd", who)
	id, err := strconv.ParseUint(who, 10, 31)
	switch {
	case len(entry) >= 4:
		r.UID, _ = strconv.Atoi(entry[2])
		r.GID, _ = strconv.Atoi(entry[3])
	case err != nil:
		return fail.New(fail.Invalid, "read image", "its user %q is not in its /etc/passwd", who).On("User").
			WithHint("Give the user in the image by its number.")
	default:
		r.UID = int(id)
	}
	if !grouped {
		return nil
	}
	entry = find(root, "etc/group", group)
	id, err = strconv.ParseUint(group, 10, 31)
	switch {
	case len(entry) >= 3:
		r.GID, _ = strconv.Atoi(entry[2])
	case err != nil:
		return fail.New(fail.Invalid, "read image", "its group %q is not in its /etc/group", group).On("User").
			WithHint("Give the group in the image by its number.")
	default:
		r.GID = int(id)
	}
	return nil
}

const maxDatabase = 1 << 20 // bytes of /etc/passwd

// find gives the fields of the entry with a name or an id; nil if there is none.
func find(root *os.Root, file, who string) []string {
	info, err := root.Stat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxDatabase {
		return nil
	}
	text, err := root.ReadFile(file)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) >= 3 && (fields[0] == who || fields[2] == who) {
			return fields
		}
	}
	return nil
}

// signals that images name (Docker's STOPSIGNAL).
var signals = map[string]syscall.Signal{
	"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "KILL": syscall.SIGKILL, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
	"TERM": syscall.SIGTERM, "WINCH": syscall.SIGWINCH, "PWR": syscall.SIGPWR, "ALRM": syscall.SIGALRM, "RTMIN+3": 37, // systemd's
}

// stopSignal is what asks the image's program to end; SIGTERM if it says nothing.
func stopSignal(name string) (syscall.Signal, error) {
	if name == "" {
		return syscall.SIGTERM, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n > 0 && n < 65 {
		return syscall.Signal(n), nil
	}
	if s, ok := signals[strings.TrimPrefix(strings.ToUpper(name), "SIG")]; ok {
		return s, nil
	}
	return 0, fail.New(fail.Invalid, "read image", "its stop signal %q is not known", name).On("StopSignal").WithHint("Give it as SIGTERM, or by its number.")
}

// workingDir is the image's, or the root.
func (b *box) workingDir() string {
	return filepath.Join("/", b.record.Config.Config.WorkingDir)
}
