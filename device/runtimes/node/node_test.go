package node_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/node"
	"fescue.dev/fescue/device/runtimes/runtimetest"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/sdk"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, d *runtimetest.Device) runtimes.Runtime {
	t.Helper()
	folder := filepath.Join(d.Dir, "sdk")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	extracted, err := sdk.ExtractJavaScript(folder)
	if err != nil {
		t.Fatal(err)
	}
	// Nothing is asked of a registry.
	n, err := node.New(node.Options{Dir: filepath.Join(d.Dir, "packages"), SDK: extracted, Environment: []string{"npm_config_offline=true"}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func module(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/function.mjs")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const configuration = "runtime: node\nhandler: src/function.handle\n"

func TestConformance(t *testing.T) {
	runtimetest.Run(t, runtimetest.Suite{
		New:        open,
		Function:   runtimetest.Source{Configuration: configuration, Files: map[string]string{"src/function.mjs": module(t)}},
		Broken:     runtimetest.Source{Configuration: configuration, Files: map[string]string{"src/function.js": "require('no-such-module');\n"}},
		BrokenSays: "no-such-module", Stack: "function.mjs", Context: true, Ahead: true, Versioned: true,
	})
}

// archive is a package as a registry would deliver it.
func archive(t testing.TB, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range []string{"package.json", "index.js"} {
		text := files[name]
		if err := w.WriteHeader(&tar.Header{Name: "package/" + name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const withPackages = "runtime: node\nhandler: index.handler\ndependencies: {package: package.json}\n"

// greeter is an application with a package, which it brings as an archive. script is run when it is installed.
func greeter(t testing.TB, script string) runtimetest.Source {
	t.Helper()
	content := archive(t, map[string]string{
		"package.json": `{"name": "greet", "version": "1.0.0", "main": "index.js", "scripts": {"install": "` + script + `"}}`,
		"index.js":     "exports.hello = () => 'hello';\n",
	})
	sum := sha512.Sum512([]byte(content))
	integrity := "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
	install := ""
	if script != "" {
		install = `"hasInstallScript": true, `
	}
	return runtimetest.Source{Configuration: withPackages, Files: map[string]string{
		"packages/greet-1.0.0.tgz": content,
		"package.json":             `{"name": "app", "version": "1.0.0", "dependencies": {"greet": "file:packages/greet-1.0.0.tgz"}}`,
		"package-lock.json": `{"name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {
			"": {"name": "app", "version": "1.0.0", "dependencies": {"greet": "file:packages/greet-1.0.0.tgz"}},
			"node_modules/greet": {"version": "1.0.0", "resolved": "file:packages/greet-1.0.0.tgz", ` + install + `"integrity": "` + integrity + `"}}}`,
		"index.js": "const { hello } = require('greet');\nexports.handler = async () => hello() + ' ' + typeof (await import('fescue')).encode;\n",
	}}
}

// A CommonJS module finds packages that were installed without network, and the SDK.
func TestPackagesOffline(t *testing.T) {
	d := runtimetest.NewDevice(t)
	r := open(t, d)
	f := d.Load(t, r, "greeter", greeter(t, ""))
	f.Start(t).Answers(t, "", "hello function")
	if did, err := d.Prepared(t, r, d.Unpack(t, "second", greeter(t, "")), time.Minute); did || err != nil {
		t.Errorf("the same packages are installed again: %v, %v", did, err)
	}
	if err := r.Sweep(context.Background(), nil); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Join(d.Dir, "packages")); len(left) != 0 {
		t.Errorf("%d are left", len(left))
	}
}

// A package that cannot be had is told in npm's words, and nothing is left.
func TestUnsatisfiablePackage(t *testing.T) {
	d := runtimetest.NewDevice(t)
	source := greeter(t, "")
	source.Files["packages/greet-1.0.0.tgz"] = archive(t, map[string]string{"package.json": `{"name": "greet", "version": "1.0.0"}`, "index.js": "changed"})
	_, err := d.TryLoad(t, open(t, d), "changed", source)
	if !fail.Is(err, fail.Invalid) || !strings.Contains(err.Error(), "integrity") || fail.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(d.Dir, "packages")); len(left) != 0 {
		t.Errorf("%d are left", len(left))
	}
}

// Scripts of packages are confined while they are installed, and ended in time.
func TestInstallationIsConfined(t *testing.T) {
	d := runtimetest.NewDevice(t)
	r := open(t, d)
	secret := filepath.Join(d.Dir, "apps", "other-secret")
	nosy := d.Unpack(t, "nosy", greeter(t, "cat "+secret+" && exit 0; touch /usr/new && exit 0; touch "+d.Dir+"/packages/new && exit 0; echo npm error CONFINED as $(id -u) >&2; exit 1"))
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := d.Prepared(t, r, nosy, time.Minute)
	if err == nil || !strings.Contains(err.Error(), "CONFINED") || strings.Contains(err.Error(), "CONFINED as 0") {
		t.Errorf("%v", err)
	}
	slow := d.Unpack(t, "slow", greeter(t, "sleep 3600"))
	if _, err := d.Prepared(t, r, slow, 5*time.Second); !fail.Is(err, fail.Timeout) {
		t.Errorf("%v", err)
	}
}

// BenchmarkColdStart is of a handler without packages.
func BenchmarkColdStart(b *testing.B) {
	runtimetest.ColdStart(b, open, runtimetest.Source{
		Configuration: "runtime: node\nhandler: index.handler\n",
		Files:         map[string]string{"index.js": "exports.handler = async (event) => event.slice(5);\n"},
	})
}
