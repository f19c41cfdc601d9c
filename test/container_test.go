package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fescue.dev/fescue/device/runtimes/container/imagetest"
)

// needsContainers skips where no container can be started.
func needsContainers(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("containers need an agent that is root")
	}
}

// The example's image is built without any container tool, and answers.
func TestExampleContainer(t *testing.T) {
	needsContainers(t)
	dir := filepath.Join(t.TempDir(), "examples/container")
	for _, folder := range []string{"examples/container", "sdk/c"} {
		to := filepath.Join(filepath.Dir(filepath.Dir(dir)), folder)
		if err := os.CopyFS(to, os.DirFS(filepath.Join("..", folder))); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("sh", filepath.Join(dir, "image.sh")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m := newMachine(t)
	m.must("deploy", dir)
	if got := m.must("invoke", "checksum", "--data", "123456789"); !strings.Contains(got, "cbf43926") {
		t.Errorf("it answers %q", got)
	}
}

// shellImage is an image of this machine's shell with some programs, and one that the image starts.
func shellImage(t *testing.T, entrypoint string) imagetest.Image {
	t.Helper()
	i := imagetest.Image{Env: []string{"FROM_IMAGE=yes"}, Entrypoint: []string{"/bin/sh", "-c", entrypoint}, StopSignal: "SIGUSR1"}
	for _, program := range []string{"sh", "sleep", "cat", "head"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Fatal(err)
		}
		i.Layers = append(i.Layers, imagetest.Program(t, path, "bin/"+program))
	}
	return i
}

// A service in an image: started as the image says, told to stop by the signal it wants, started again when it is killed for its
// memory, and gone from the disk when it is deleted.
func TestContainerService(t *testing.T) {
	needsContainers(t)
	m := newMachine(t)
	const serve = `trap 'echo asked to stop; exit 0' USR1; echo "up $FROM_IMAGE $FESCUE_APPLICATION"; echo kept >> "$FESCUE_DATA/starts"; ` +
		`while true; do sleep 0.1; if [ -e "$FESCUE_DATA/eat" ]; then cat /bin/* > /tmp/fat; fi; done`
	dir := func(version string, i imagetest.Image) string {
		return m.application(map[string]string{
			"fescue.yaml": "name: boxed\nversion: " + version + "\nruntime: container\ncontainer: {archive: image.tar}\nlimits: {memory: 40MiB}\n",
			"image.tar":   string(i.OCI(t)),
		})
	}
	image := shellImage(t, serve)
	m.must("deploy", dir("1.0.0", image))
	logged := func(what string) {
		t.Helper()
		m.eventually(what, func() error { return contains(m.must("logs", "boxed"), what) })
	}
	logged("up yes boxed")
	image.Cmd = []string{"second"} // another configuration, the same layers
	m.must("deploy", dir("1.1.0", image))
	logged("asked to stop")
	if layers := m.directories("device/images/unpacked/layer-*"); len(layers) != len(image.Layers) {
		t.Errorf("%d layers of %d are kept, once each", len(layers), len(image.Layers))
	}
	m.eventually("both versions have kept their start", func() error {
		return contains(readFile(t, filepath.Join(m.state, "device/apps/boxed/data/starts")), "kept\nkept\n")
	})
	m.kill()
	m.start()
	m.eventually("it is started again after a power cut", func() error {
		return contains(readFile(t, filepath.Join(m.state, "device/apps/boxed/data/starts")), strings.Repeat("kept\n", 3))
	})
	m.must("delete", "boxed")
	m.eventually("nothing of it is left", func() error {
		if left := m.directories("device/images/unpacked/*"); len(left) > 0 {
			return os.ErrExist
		}
		return m.noProcesses()
	})
}

// A program that takes more memory than its limit is ended alone, and why is told; commands of the configuration
// are run in the image, too.
func TestContainerMemory(t *testing.T) {
	needsContainers(t)
	m := newMachine(t)
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: hog\nversion: 1.0.0\nruntime: container\ncontainer: {archive: image.tar}\nlimits: {memory: 32MiB}\ncommands:\n" +
			"  - {run: 'head -c 60000000 /dev/zero > /tmp/fat; echo prepared > \"$FESCUE_DATA/step\"', wait: true}\n  - run: " + strconv.Quote(`sleep 2; head -c 60000000 /dev/zero > /tmp/fat; sleep 1000`) + "\n",
		"image.tar": string(shellImage(t, "").Docker(t)),
	}))
	m.eventually("it is told", func() error { return contains(m.must("get", "events", "1"), "out of memory: limit 32MiB") })
	if step := readFile(t, filepath.Join(m.state, "device/apps/hog/data/step")); step != "prepared\n" {
		t.Errorf("the first command: %q", step)
	}
}
