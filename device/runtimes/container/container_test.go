package container_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/container"
	"fescue.dev/fescue/device/runtimes/container/imagetest"
	"fescue.dev/fescue/device/runtimes/runtimetest"
	"fescue.dev/fescue/device/runtimes/worker"
	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/fail"
)

// TestMain lets the test binary be, under these names in an image, programs that speak the protocol.
func TestMain(m *testing.M) {
	kinds := runtimetest.Programs()
	kinds["function"] = worker.Function(func(h *worker.Host, _ []string) (worker.Handler, error) { return function{h}.handle, nil })
	if name := filepath.Base(os.Args[0]); kinds[name] != nil {
		os.Args = worker.Command(os.Args[0], name)
	}
	worker.Main(kinds)
	goleak.VerifyTestMain(m)
}

// function is that of the conformance suite, and tells what it sees and can do in its container.
type function struct{ host *worker.Host }

func (f function) handle(ctx context.Context, e worker.Event) ([]byte, error) {
	switch verb, rest, _ := strings.Cut(string(e.Payload), " "); verb {
	case "who":
		dir, err := os.Getwd()
		return fmt.Appendf(nil, "%d %d %s", os.Getuid(), os.Getgid(), dir), err
	case "try":
		return try(rest), nil
	}
	return runtimetest.Verbs{Host: f.host}.Handle(ctx, e)
}

func open(t testing.TB, d *runtimetest.Device, engine string) runtimes.Runtime {
	t.Helper()
	// A folder with the one engine, so that each is tested.
	dir := filepath.Join(d.Dir, "engines-"+engine)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	found := ""
	for _, place := range []string{"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"} {
		if _, err := os.Stat(filepath.Join(place, engine)); err == nil {
			found = filepath.Join(place, engine)
		}
	}
	if found == "" {
		t.Fatalf("there is no %s: tools/deps.sh installs it", engine)
	}
	if err := os.Symlink(found, filepath.Join(dir, engine)); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	o := container.Options{Dir: filepath.Join(d.Dir, "images"), User: d.User, Path: dir}
	if filter := sandbox.CallFilter(); filter != nil {
		o.Filter = filter
	}
	r, err := container.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// image is one from scratch with the test's program under a name.
func image(t testing.TB, name string) imagetest.Image {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return imagetest.Image{
		Env: []string{"FROM_IMAGE=yes", "PATH=/bin"},
		Layers: [][]byte{
			imagetest.Layer(t, imagetest.Entry{Name: "etc/", Type: '5'}, imagetest.Entry{Name: "etc/passwd", Text: "root:x:0:0::/root:/bin/sh\nada:x:1234:567::/home/ada:/bin/sh\n"}),
			imagetest.Program(t, self, "bin/"+name),
		},
	}
}

func source(configuration string, archive []byte) runtimetest.Source {
	return runtimetest.Source{
		Configuration: "runtime: container\ncontainer: {archive: image.tar}\n" + configuration,
		Files:         map[string]string{"image.tar": string(archive)},
	}
}

// Every engine passes the suite; they are used differently.
func TestConformance(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("containers need an agent that is root")
	}
	for _, engine := range []string{"crun", "runc"} {
		t.Run(engine, func(t *testing.T) {
			runtimetest.Run(t, runtimetest.Suite{
				New:      func(t testing.TB, d *runtimetest.Device) runtimes.Runtime { return open(t, d, engine) },
				Function: source("handler: /bin/function\n", image(t, "function").OCI(t)),
				Broken:   source("handler: /bin/broken\n", image(t, "broken").Docker(t)), BrokenSays: "there is no model",
				Stack: "in handle", Context: true,
			})
		})
	}
}

// load puts a function with an image on a device of its own.
func load(t *testing.T, engine, configuration string, i imagetest.Image) *runtimetest.Function {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("containers need an agent that is root")
	}
	d := runtimetest.NewDevice(t)
	return d.Load(t, open(t, d, engine), "function", source(configuration, i.OCI(t)))
}

// What the image asks for is what its program gets.
func TestImageIsHonoured(t *testing.T) {
	for _, engine := range []string{"crun", "runc"} {
		t.Run(engine, func(t *testing.T) {
			i := image(t, "function")
			i.User, i.WorkingDir, i.Entrypoint = "ada", "/etc", []string{"/bin/function"}
			w := load(t, engine, "handler: anything\nenvironment: {MINE: too}\n", i).Start(t)
			w.Answers(t, "who", "1234 567 /etc")
			w.Answers(t, "variable FROM_IMAGE", "yes")
			w.Answers(t, "variable PATH", "/bin")
			w.Answers(t, "variable FESCUE_HANDLER", "anything")
		})
	}
}

// The image is read-only unless it is asked for otherwise, and then the changes are the
// program's own.
func TestChangesOfTheImage(t *testing.T) {
	w := load(t, "crun", "handler: /bin/function\n", image(t, "function")).Start(t)
	for _, path := range []string{"/etc/passwd", "/new", "/bin/function"} {
		if got, err := w.Call("write "+path, runtimetest.Patience); err == nil {
			t.Errorf("it writes %s: %q", path, got)
		}
	}
	w.Answers(t, "write /tmp/x", "")
	for _, engine := range []string{"crun", "runc"} {
		t.Run(engine, func(t *testing.T) {
			f := load(t, engine, "handler: /bin/function\n", image(t, "function"))
			f.Application.Configuration.Container.Writable = true
			f.Reload(t)
			w, other := f.Start(t), f.Start(t)
			w.Answers(t, "write /etc/passwd", "")
			w.Answers(t, "read /etc/passwd", "x")
			w.Answers(t, "write /etc/new", "")
			if got, err := other.Call("read /etc/new", runtimetest.Patience); err == nil {
				t.Errorf("another sees the change: %q", got)
			}
		})
	}
}

// A device without an engine says what to install.
func TestNoEngine(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("without root the reason is another")
	}
	r, err := container.New(container.Options{Dir: t.TempDir(), Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(context.Background(), ""); !fail.Is(err, fail.Unsupported) || !strings.Contains(fail.HintOf(err), "apt install crun") {
		t.Errorf("%v (%s)", err, fail.HintOf(err))
	}
	if r.Describe(context.Background()) != "" {
		t.Error("it describes an engine")
	}
}
