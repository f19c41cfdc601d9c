// Package container is the runtime of applications that come as a container image: a
// service, whose programs are the image's, or a function, whose program speaks the wire protocol on descriptor 3 as
// those of the runtime native do.
//
// The deployment engine calls it through runtimes.Runtime. An image is unpacked once, when it is
// deployed (package image): layers are kept by their content, and shared by all images that have them. Programs
// are started by crun or runc, in the sandbox that every application has: its network, its limits and its
// supervision are the same, and no daemon is needed. It promises: a program in an image has no
// capabilities, one user, that of its application, and sees nothing of the device but what the application was granted.
package container

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/container/image"
	"fescue.dev/fescue/device/runtimes/shelf"
	"fescue.dev/fescue/device/runtimes/worker"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Options configure [New].
type Options struct {
	Dir string // of images, the runtime's own
	// Filter is the filter of system calls (OCI runtime specification, "Seccomp"); nil: none.
	Filter any
	// User gives the user id that stands for an image's root while a container is set up, where its
	// program is another user; no program runs under it.
	User func(spec.Name) (uid, gid int, err error)
	// Path is searched for engines; "" is the PATH of this process.
	Path string
	HTTP *http.Client // to registries; nil is http.DefaultClient
	// Program is the agent's binary, which serves functions of one process per event
	// as the worker Kind; it must run without libraries.
	Program, Kind string
}

// Container is the runtime.
type Container struct {
	options Options
	shelf   *shelf.Shelf // of layers and images
}

var _ runtimes.Runtime = (*Container)(nil)

// New makes the runtime. Files of images may be written by everybody, so that a
// container's user can change them in its copy; nobody else passes through the directory.
func New(o Options) (*Container, error) {
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	kept, err := shelf.Open(filepath.Join(o.Dir, "unpacked"))
	if err != nil {
		return nil, err
	}
	kept.Writable = true
	if err := os.Chmod(o.Dir, 0o700); err != nil {
		return nil, fail.Wrap(err, fail.Internal, "open images", o.Dir)
	}
	return &Container{options: o, shelf: kept}, nil
}

// Name is "container".
func (*Container) Name() string { return spec.RuntimeContainer }

// Describe names the engine: "crun 1.8.1 (/usr/bin/crun)".
func (c *Container) Describe(ctx context.Context) string {
	e, err := c.engine(ctx)
	if err != nil {
		return ""
	}
	return e.String()
}

// Check refuses a condition on a version, and a device without an engine.
func (c *Container) Check(ctx context.Context, want spec.Range) error {
	if want != "" && want != "*" {
		return fail.New(fail.Unsupported, "check runtime", "an image has no runtime version to compare with %q", string(want)).
			WithHint("Write `runtime: container`; the image is what `container` names.")
	}
	_, err := c.engine(ctx)
	return err
}

const (
	treeFolder = "tree"
	recordFile = "image.json"
)

// record is what is kept with an image's tree.
type record struct {
	Config image.Config `json:"config"`
	UID    int          `json:"uid"` // of its program
	GID    int          `json:"gid"`
	Layers []string     `json:"layers"` // names on the shelf
}

// nameOf is that of the folder of an application's image: by what the image is, which needs no network.
func nameOf(app runtimes.Application) string {
	c := app.Configuration.Container
	text := "registry\n" + string(c.Image)
	if c.Archive != "" {
		text = "archive\n" + string(app.Artifact) + "\n" + c.Archive
	}
	h := sha256.Sum256([]byte("1\n" + text))
	return "image-" + hex.EncodeToString(h[:16])
}

func layerName(l image.Layer) string { return "layer-" + l.ID.Hex()[:40] }

// Prepare unpacks the image. Its layers are unpacked by the agent: see package image.
func (c *Container) Prepare(ctx context.Context, app runtimes.Application, _ runtimes.Builder) (bool, error) {
	return c.shelf.Make(ctx, nameOf(app), func(ctx context.Context, aside, _ string) error {
		i, done, err := c.open(ctx, app)
		if err != nil {
			return err
		}
		defer done()
		return c.unpack(ctx, i, aside)
	})
}

// open finds the image.
func (c *Container) open(ctx context.Context, app runtimes.Application) (*image.Image, func(), error) {
	where := app.Configuration.Container
	if where.Archive == "" {
		i, err := image.Registry{HTTP: c.options.HTTP}.FromRegistry(ctx, where.Image, runtime.GOARCH)
		return i, func() {}, err
	}
	root, err := os.OpenRoot(app.Dir) // a link must not lead the agent out of the artifact
	if err != nil {
		return nil, nil, fail.Wrap(err, fail.NotFound, "read image", app.Dir)
	}
	defer root.Close() //nolint:errcheck // only read
	f, err := root.Open(filepath.FromSlash(where.Archive))
	if err != nil {
		return nil, nil, fail.Wrap(err, fail.NotFound, "read image", where.Archive)
	}
	i, err := image.FromArchive(ctx, f, runtime.GOARCH)
	if err != nil {
		_ = f.Close() // only read
		return nil, nil, err
	}
	return i, func() { _ = f.Close() }, nil
}

// unpack makes the image's tree of its layers.
func (c *Container) unpack(ctx context.Context, i *image.Image, aside string) error {
	r := record{Config: i.Config}
	left := image.DefaultLimits()
	var layers []string
	for _, l := range i.Layers {
		_, err := c.shelf.Make(ctx, layerName(l), func(ctx context.Context, aside, _ string) error {
			return l.Unpack(ctx, aside, &left)
		})
		if err != nil {
			return err
		}
		r.Layers = append(r.Layers, layerName(l))
		layers = append(layers, c.shelf.Path(layerName(l)))
	}
	tree := filepath.Join(aside, treeFolder)
	if err := os.Mkdir(tree, 0o755); err != nil {
		return fail.Wrap(err, fail.Exhausted, "unpack image", tree)
	}
	if err := image.Merge(layers, tree); err != nil {
		return err
	}
	if err := r.findUser(tree); err != nil {
		return err
	}
	if _, err := stopSignal(i.Config.Config.StopSignal); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(filepath.Join(aside, recordFile), text, 0o600)
	}
	return fail.Wrap(err, fail.Exhausted, "unpack image", recordFile)
}

func (c *Container) recordOf(name string) (r record, err error) {
	path := filepath.Join(c.shelf.Path(name), recordFile)
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	return r, fail.Wrap(err, fail.Internal, "read unpacked image", path)
}

// Surroundings are the image's variables, and how programs are started in it.
func (c *Container) Surroundings(ctx context.Context, app runtimes.Application) (runtimes.Surroundings, error) {
	r, err := c.recordOf(nameOf(app))
	if err != nil {
		return runtimes.Surroundings{}, err
	}
	e, err := c.engine(ctx)
	if err != nil {
		return runtimes.Surroundings{}, err
	}
	b := &box{
		options: c.options, record: r, engine: e, tree: filepath.Join(c.shelf.Path(nameOf(app)), treeFolder),
		writable: app.Configuration.Container.Writable, memory: app.Configuration.Limits.Memory,
	}
	environment := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	around := runtimes.Surroundings{Environment: append(environment, r.Config.Config.Env...), Container: b}
	if app.Configuration.PerEvent {
		around.ReadOnly = []string{c.options.Program}
	}
	return around, nil
}

// Worker is a program of the image: the handler, if it is a path, or what the image itself
// starts, which finds the handler in FESCUE_HANDLER; or the agent's binary, which starts one for each event.
func (c *Container) Worker(_ context.Context, app runtimes.Application) ([]string, error) {
	if app.Configuration.PerEvent {
		return worker.Command(c.options.Program, c.options.Kind, app.Configuration.Handler), nil
	}
	if strings.HasPrefix(app.Configuration.Handler, "/") {
		return []string{app.Configuration.Handler}, nil
	}
	r, err := c.recordOf(nameOf(app))
	if err != nil {
		return nil, err
	}
	return r.program()
}

func (r record) program() ([]string, error) {
	argv := r.Config.Program()
	if len(argv) == 0 {
		return nil, fail.New(fail.Invalid, "start container", "the image names no program (neither entrypoint nor cmd)").
			WithHint("Give `commands`, or for a function a `handler` that is the path of a program in the image.")
	}
	return argv, nil
}

// Sweep removes images that none of the applications needs, and layers that none of the images needs.
func (c *Container) Sweep(_ context.Context, keep []runtimes.Application) error {
	needed := map[string]bool{}
	for _, app := range keep {
		name := nameOf(app)
		r, err := c.recordOf(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // not unpacked yet
		}
		if err != nil {
			return err
		}
		needed[name] = true
		for _, l := range r.Layers {
			needed[l] = true
		}
	}
	return c.shelf.Sweep(needed)
}

// String is "crun 1.8.1 (/usr/bin/crun)".
func (e engine) String() string { return fmt.Sprintf("%s %s (%s)", e.name, e.version, e.path) }
