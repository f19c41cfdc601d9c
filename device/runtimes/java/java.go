// Package java is the runtime of Java applications: how a Java is found, how projects
// are built, how functions and commands are started.
//
// The deployment engine calls it through runtimes.Runtime. A handler's class comes from the artifact's
// classes and jars, or from a Maven project that is built on the device. It promises: a project is built
// confined, and once for as long as its artifact and the Java are the same; the SDK's
// classes need no jar in the artifact.
package java

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/finder"
	"fescue.dev/fescue/device/runtimes/shelf"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/sdk"
	"fescue.dev/fescue/spec"
)

// Options are a Java runtime's.
type Options struct {
	Dir string // where built projects are kept; its own
	SDK string // the directory of the SDK's sources, as sdk.ExtractJava gives it
	// Path is searched for Java, besides the usual places; "" is the PATH of this process.
	Path string
	// Environment is for Maven: proxies. nil takes those of this process that concern them.
	Environment []string
	// Settings is Maven's settings.xml, for mirrors; "" is that of the agent's user, if there is one.
	Settings string
}

// Java is the runtime.
type Java struct {
	Options
	finder *finder.Finder
	shelf  *shelf.Shelf
}

var _ runtimes.Runtime = (*Java)(nil)

var versionLine = regexp.MustCompile(`version "(\d+(?:\.\d+)*)`)

// New makes the runtime and its directory.
func New(o Options) (*Java, error) {
	if o.Environment == nil {
		o.Environment = mavenVariables(os.Environ())
	}
	if home, err := os.UserHomeDir(); err == nil && o.Settings == "" {
		o.Settings = filepath.Join(home, ".m2", "settings.xml")
	}
	kept, err := shelf.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	return &Java{Options: o, shelf: kept, finder: finder.New(finder.Language{
		Name: "Java", Program: "java", Oldest: ">=17.0.0", Ask: []string{"-version"}, Install: "openjdk-17-jdk-headless",
		Version: readVersion, Places: []string{"/usr/lib/jvm/*/bin", "/opt/*/bin"},
	}, o.Path)}, nil
}

// readVersion is the version with three numbers: Java 17's first is "17", Java 8's "1.8.0".
func readVersion(said string) string {
	m := versionLine.FindStringSubmatch(said)
	if m == nil {
		return ""
	}
	numbers := append(strings.Split(m[1], "."), "0", "0")
	return strings.Join(numbers[:3], ".")
}

// Name is "java".
func (*Java) Name() string { return spec.RuntimeJava }

// Describe is the Java that is taken without a condition.
func (j *Java) Describe(ctx context.Context) string {
	p, err := j.finder.Choose(ctx, "")
	if err != nil {
		return ""
	}
	return p.String()
}

// Check tells whether the device has a Java that satisfies the condition.
func (j *Java) Check(ctx context.Context, want spec.Range) error {
	_, err := j.finder.Choose(ctx, want)
	return err
}

// Prepare compiles the SDK, once for all, and builds the application's Maven project.
func (j *Java) Prepare(ctx context.Context, app runtimes.Application, run runtimes.Builder) (bool, error) {
	p, err := j.finder.Choose(ctx, app.Configuration.Runtime.Range())
	if err != nil {
		return false, err
	}
	if _, err := j.classes(ctx, p); err != nil {
		return false, err
	}
	if app.Configuration.Dependencies.Pom == "" {
		return false, nil
	}
	return j.shelf.Make(ctx, j.builtName(p, app), func(ctx context.Context, aside, _ string) error {
		return j.build(ctx, p, app, aside, run)
	})
}

// classes are the SDK's, compiled by the compiler beside a Java.
func (j *Java) classes(ctx context.Context, p finder.Program) (string, error) {
	javac := filepath.Join(filepath.Dir(p.Path), "javac")
	if _, err := os.Stat(javac); err != nil {
		if done := filepath.Join(j.SDK, "classes"); exists(done) {
			return done, nil // by another Java: the classes are the same
		}
		return "", fail.New(fail.Unsupported, "compile the Java SDK", "Java %s has no compiler with it", p).
			WithHint("Install a JDK on the device, for instance with `apt install openjdk-17-jdk-headless`.")
	}
	return sdk.CompileJava(ctx, javac, j.SDK)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// builtName names a built project by all that it is made from. Maven's projects refer to files
// of the artifact at will, so the whole of it counts.
func (j *Java) builtName(p finder.Program, app runtimes.Application) string {
	major, _, _ := strings.Cut(p.Version, ".")
	h := sha256.New()
	fmt.Fprintf(h, "1\n%s\n%s\n%s\n", major, app.Artifact, app.Configuration.Dependencies.Pom)
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// Surroundings put the Java first in the path, and the SDK on the class path of compilers and services.
func (j *Java) Surroundings(ctx context.Context, app runtimes.Application) (s runtimes.Surroundings, err error) {
	p, err := j.finder.Choose(ctx, app.Configuration.Runtime.Range())
	if err != nil {
		return s, err
	}
	classes, err := j.classes(ctx, p)
	if err != nil {
		return s, err
	}
	s.Path = []string{filepath.Dir(p.Path)}
	s.Environment = []string{"JAVA_HOME=" + p.Prefix(), "CLASSPATH=" + j.classPath(p, app, classes)}
	s.ReadOnly = append(needs(p), classes)
	if app.Configuration.Dependencies.Pom != "" {
		s.ReadOnly = append(s.ReadOnly, j.shelf.Path(j.builtName(p, app)))
	}
	return s, nil
}

// needs are the paths that must be shown for a Java, beyond the system's.
func needs(p finder.Program) []string {
	if strings.HasPrefix(p.Path, "/usr/") {
		return nil
	}
	return []string{p.Prefix()}
}

// classPath is where classes are looked for: the artifact, its jars, what was built of it, the SDK.
func (j *Java) classPath(p finder.Program, app runtimes.Application, classes string) string {
	places := []string{app.Dir, app.Dir + "/classes", app.Dir + "/*", app.Dir + "/lib/*"}
	if app.Configuration.Dependencies.Pom != "" {
		built := j.shelf.Path(j.builtName(p, app))
		places = append(places, built+"/*", built+"/lib/*")
	}
	return strings.Join(append(places, classes), ":")
}

// ownMemory is what a Java takes besides its heap: code, classes, threads.
const ownMemory = 96 << 20

// Worker is the SDK's. Java takes over a link only as descriptor 0, so a shell puts it there.
func (j *Java) Worker(ctx context.Context, app runtimes.Application) ([]string, error) {
	p, err := j.finder.Choose(ctx, app.Configuration.Runtime.Range())
	if err != nil {
		return nil, err
	}
	classes, err := j.classes(ctx, p)
	if err != nil {
		return nil, err
	}
	limit := app.Configuration.Limits.Memory
	heap := max(limit-ownMemory, limit/2) >> 20
	return []string{
		"/bin/sh", "-c", `exec "$@" <&3 3<&-`, "sh", p.Path,
		"-Xshare:auto", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms8m", fmt.Sprintf("-Xmx%dm", max(heap, 8)), "-XX:+ExitOnOutOfMemoryError",
		"-cp", j.classPath(p, app, classes), "dev.fescue.Worker",
	}, nil
}

// Sweep removes built projects that none of the applications needs.
func (j *Java) Sweep(ctx context.Context, keep []runtimes.Application) error {
	needed := map[string]bool{}
	for _, app := range keep {
		if app.Configuration.Dependencies.Pom == "" {
			continue
		}
		p, err := j.finder.Choose(ctx, app.Configuration.Runtime.Range())
		if err != nil {
			return fail.Wrap(err, fail.Internal, "sweep built projects", string(app.Configuration.Name))
		}
		needed[j.builtName(p, app)] = true
	}
	return j.shelf.Sweep(needed)
}

// mavenVariables are those of an environment that say how repositories are reached.
func mavenVariables(environ []string) []string {
	var out []string
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		switch strings.ToLower(name) {
		case "maven_opts", "maven_args", "http_proxy", "https_proxy", "no_proxy", "java_tool_options":
			out = append(out, v)
		}
	}
	return out
}
