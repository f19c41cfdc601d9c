package container

import (
	"fmt"
	"os"
	"strings"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/spec"
)

// configuration of a container engine, as far as it is used here (OCI runtime specification 1.0.2,
// config.md and config-linux.md).
type configuration struct {
	Version string  `json:"ociVersion"`
	Process process `json:"process"`
	Root    struct {
		Path     string `json:"path"`
		Readonly bool   `json:"readonly"`
	} `json:"root"`
	Hostname string  `json:"hostname,omitempty"`
	Mounts   []mount `json:"mounts"`
	Linux    struct {
		UIDMappings []mapping   `json:"uidMappings"`
		GIDMappings []mapping   `json:"gidMappings"`
		Namespaces  []namespace `json:"namespaces"`
		Seccomp     any         `json:"seccomp,omitempty"`
	} `json:"linux"`
}

type process struct {
	User struct {
		UID    int   `json:"uid"`
		GID    int   `json:"gid"`
		Groups []int `json:"additionalGids,omitempty"`
	} `json:"user"`
	Args            []string `json:"args"`
	Env             []string `json:"env"`
	Cwd             string   `json:"cwd"`
	NoNewPrivileges bool     `json:"noNewPrivileges"`
	Capabilities    struct{} `json:"capabilities"` // none
}

type mount struct {
	Destination string   `json:"destination"`
	Type        string   `json:"type"`
	Source      string   `json:"source"`
	Options     []string `json:"options"`
}

type mapping struct {
	ContainerID int `json:"containerID"`
	HostID      int `json:"hostID"`
	Size        int `json:"size"`
}

type namespace struct {
	Type string `json:"type"`
}

// configuration is that of one program. Namespaces that it does not name are those of the sandbox:
// network and IPC, in which the application's other programs are.
func (b *box) configuration(p runtimes.Program, u users) configuration {
	c := configuration{Version: "1.0.2", Hostname: "container"}
	c.Process.User.UID, c.Process.User.GID, c.Process.User.Groups = u.uid, u.gid, u.groups
	c.Process.Args, c.Process.Env, c.Process.Cwd = p.Argv, p.Environment, b.workingDir()
	c.Process.NoNewPrivileges = true
	c.Root.Path, c.Root.Readonly = b.tree, !b.writable
	c.Linux.UIDMappings, c.Linux.GIDMappings = u.uids, u.gids
	c.Linux.Namespaces = []namespace{{"user"}, {"pid"}, {"mount"}, {"uts"}}
	c.Linux.Seccomp = b.options.Filter
	c.Mounts = mounts(p)
	return c
}

// temporary bounds what a container's program keeps in /tmp, /run and /dev/shm, in bytes each;
// it counts as its memory.
const temporary spec.Bytes = 64 << 20

// mounts are what the program sees besides its image, the outer before the inner.
func mounts(p runtimes.Program) []mount {
	scratch := func(path, mode string) mount {
		return mount{path, "tmpfs", "tmpfs", []string{"nosuid", "nodev", "mode=" + mode, fmt.Sprintf("size=%d", int64(temporary))}}
	}
	all := []mount{
		{"/proc", "proc", "proc", []string{"nosuid", "nodev", "noexec"}},
		{"/dev", "tmpfs", "tmpfs", []string{"nosuid", "mode=755", "size=64k"}},
		scratch("/dev/shm", "1777"), scratch("/tmp", "1777"), scratch("/run", "777"),
	}
	for _, path := range []string{"/etc/hosts", "/etc/resolv.conf"} {
		// As the sandbox shows them: hosts are those that were granted.
		if _, err := os.Stat(path); err == nil && (p.HostNetwork || path == "/etc/hosts") {
			all = append(all, bound(path, "ro"))
		}
	}
	for _, path := range p.ReadOnly {
		all = append(all, bound(path, "ro"))
	}
	for _, path := range p.ReadWrite {
		// A path that is shown for reading is replaced by the one for writing.
		all = append(all, bound(path, "rw"))
	}
	for _, d := range p.Devices {
		all = append(all, mount{string(d), "bind", string(d), []string{"bind", "rw", "nosuid", "noexec"}})
	}
	return all
}

func bound(path, mode string) mount {
	options := []string{"rbind", mode, "nosuid"}
	if !strings.HasPrefix(path, "/dev/") {
		options = append(options, "nodev")
	}
	return mount{path, "bind", path, options}
}
