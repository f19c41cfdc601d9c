package spec

import (
	"fmt"
	"path"
	"strings"

	"fescue.dev/fescue/fail"
)

// Container is the image in which programs of the runtime container run.
type Container struct {
	Archive  string         `yaml:"archive,omitempty" json:"archive,omitempty" doc:"Path of the image's archive in the artifact, as podman save and docker save write it."`
	Image    ImageReference `yaml:"image,omitempty" json:"image,omitempty" doc:"An image of a registry, with its digest: registry.example/name@sha256:...; the device pulls it."`
	Writable bool           `yaml:"writable,omitempty" json:"writable,omitempty" doc:"Programs may change files of the image; the changes are in memory, and gone when the program ends."`
}

// ImageProgram is, as a command, what the image itself says is to be started.
const ImageProgram = "image"

// ImageReference names an image of a registry by its content: 'host/name@sha256:…', with or without a tag.
type ImageReference string

// imageReference is host, name and digest; the tag says nothing beside a digest.
var imageReference = lazily(`^((?:[a-z0-9-]+\.)+[a-z0-9-]+(?::\d{1,5})?|[a-z0-9-]+:\d{1,5}|localhost)/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::[\w][\w.-]{0,127})?@(sha256:[0-9a-f]{64})$`)

// Validate tells what is wrong with the reference.
func (i ImageReference) Validate() error {
	if imageReference().MatchString(string(i)) && len(i) <= 512 {
		return nil
	}
	hint := "Write host/name@sha256:…, such as docker.io/library/redis@sha256:…"
	if !strings.Contains(string(i), "@") {
		hint = "Add the digest, by which every device gets the same: host/name@sha256:…; `skopeo inspect` and `podman images --digests` tell it."
	}
	return fail.New(fail.Invalid, "", "%q is no image of a registry", string(i)).WithHint("%s", hint)
}

// Parts are the registry's host, the name in it, and the digest.
func (i ImageReference) Parts() (host, name string, digest Digest) {
	m := imageReference().FindStringSubmatch(string(i))
	if m == nil {
		return "", "", ""
	}
	if m[1] == "docker.io" { // the name of Docker's registry is not its host
		m[1] = "registry-1.docker.io"
	}
	return m[1], m[2], Digest(m[3])
}

// checkContainer checks what goes with the runtime container, and with it alone.
func (r *reader) checkContainer(c *Configuration) {
	if c.Runtime.Name() != RuntimeContainer {
		if _, there := r.at["container"]; there {
			r.faultAt("container", "it belongs to the runtime container", "Write 'runtime: container', or remove it.")
		}
		return
	}
	switch {
	case c.Container.Archive == "" && c.Container.Image == "":
		r.faultAt("runtime", "the runtime container needs an image", "Add 'container: {archive: image.tar}', or 'container: {image: host/name@sha256:…}'.")
		return
	case c.Container.Archive != "" && c.Container.Image != "":
		r.faultAt("container", "there are an archive and an image of a registry", "Keep one.")
	case c.Container.Archive != "" && !localPath(c.Container.Archive):
		r.faultAt("container.archive", "it is a path in the artifact", "Write 'archive: image.tar'.")
	}
	if c.PerEvent && c.Handler != "" && !strings.HasPrefix(c.Handler, "/") {
		r.faultAt("handler", "what is started for each event is a program of the image", "Write its path, such as /bin/detect.")
	}
	if c.Isolation == IsolationNone {
		r.faultAt("isolation", "a container is always confined", "Remove it.")
	}
	if c.IPC == IPCMqueue {
		r.faultAt("ipc", "a container has no message queues of the device", "Write 'ipc: unix', or leave it out.")
	}
	for i, command := range c.Commands {
		if command.Mode == ModeUser || command.Mode == ModeRoot {
			r.faultAt(fmt.Sprintf("commands[%d].mode", i), "commands of a container run in it, confined", "Remove it.")
		}
	}
}

// archiveMissing is the fault of an image's archive that is not in the artifact, or "".
func (c *Configuration) archiveMissing(has func(path string) bool) string {
	if c.Container.Archive == "" || has(path.Clean(c.Container.Archive)) {
		return ""
	}
	return fmt.Sprintf("the artifact has no file %s", c.Container.Archive)
}
