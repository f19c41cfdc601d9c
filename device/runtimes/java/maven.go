package java

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/finder"
	"fescue.dev/fescue/fail"
)

// RepositoryFolder, in an artifact, is a Maven repository with all that the project needs, for a
// device without network.
const RepositoryFolder = "repository"

// build has Maven package the project in a copy, and keeps its jar and those it depends on.
func (j *Java) build(ctx context.Context, p finder.Program, app runtimes.Application, aside string, run runtimes.Builder) error {
	const op = "build project"
	pom := app.Configuration.Dependencies.Pom
	mvn, err := findMaven(j.Path)
	if err != nil {
		return err
	}
	temporary := filepath.Join(aside, "tmp")
	project := filepath.Join(temporary, "project")
	if err := os.CopyFS(project, os.DirFS(app.Dir)); err != nil {
		return fail.Wrap(err, fail.Exhausted, op, pom)
	}
	argv := []string{mvn, "--batch-mode", "--quiet", "-DskipTests", "-Dmaven.repo.local=" + filepath.Join(temporary, "repository")}
	if own := filepath.Join(project, RepositoryFolder); exists(own) {
		argv = []string{mvn, "--batch-mode", "--quiet", "-DskipTests", "--offline", "-Dmaven.repo.local=" + own}
	}
	shown := needs(p)
	if debian := "/etc/maven"; exists(debian) { // its program is a link's length away from its settings
		shown = append(shown, debian)
	}
	if exists(j.Settings) {
		argv, shown = append(argv, "--settings", j.Settings), append(shown, j.Settings)
	}
	said := &bytes.Buffer{}
	err = run(ctx, runtimes.Build{
		Argv: append(argv, "package", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(aside, "lib")),
		Dir:  filepath.Join(project, filepath.FromSlash(path.Dir(pom))),
		Environment: append([]string{
			"JAVA_HOME=" + p.Prefix(), "HOME=" + temporary, "TMPDIR=" + temporary,
			"PATH=" + filepath.Dir(p.Path) + ":/usr/local/bin:/usr/bin:/bin",
		}, j.Environment...),
		ReadOnly: append(shown, filepath.Dir(filepath.Dir(mvn))), ReadWrite: []string{aside}, Output: said,
	})
	if err != nil && ctx.Err() == nil {
		if reason := mavenError(said.String()); reason != "" {
			err = errors.New(reason)
		}
		return fail.New(fail.Invalid, op, "%w", err).On(pom).
			WithHint("Build it with `mvn package` where you develop. A device without network needs the artifact's folder %s, or a finished jar in place of the project.", RepositoryFolder)
	}
	if err != nil {
		return err
	}
	return keepJars(filepath.Join(project, filepath.FromSlash(path.Dir(pom)), "target"), aside)
}

// keepJars moves what was packaged, without its sources and documentation.
func keepJars(target, to string) error {
	jars, err := filepath.Glob(filepath.Join(target, "*.jar"))
	if err != nil {
		return err
	}
	kept := 0
	for _, jar := range jars {
		name := filepath.Base(jar)
		if strings.HasSuffix(name, "-sources.jar") || strings.HasSuffix(name, "-javadoc.jar") || strings.HasPrefix(name, "original-") {
			continue
		}
		if err := os.Rename(jar, filepath.Join(to, name)); err != nil {
			return fail.Wrap(err, fail.Exhausted, "build project", name)
		}
		kept++
	}
	if kept == 0 {
		return fail.New(fail.Invalid, "build project", "it makes no jar").WithHint("The project's packaging must be jar.")
	}
	return nil
}

// findMaven looks for mvn in a path and the usual places.
func findMaven(searched string) (string, error) {
	if searched == "" {
		searched = os.Getenv("PATH")
	}
	for _, dir := range append(filepath.SplitList(searched), "/usr/local/bin", "/usr/bin", "/opt/maven/bin") {
		if real, err := filepath.EvalSymlinks(filepath.Join(dir, "mvn")); err == nil && filepath.IsAbs(dir) {
			return real, nil
		}
	}
	return "", fail.New(fail.Unsupported, "find Maven", "the project is to be built, and this device has no Maven").
		WithHint("Install it on the device, for instance with `apt install maven`, or put the finished jar into the artifact.")
}

// mavenError is Maven's reason in short: its first lines of error.
func mavenError(said string) string {
	var reasons []string
	for line := range strings.Lines(said) {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), "[ERROR]")
		text = strings.TrimSpace(text)
		if !ok || text == "" || strings.HasPrefix(text, "->") || strings.HasPrefix(text, "To see the full") || strings.HasPrefix(text, "Re-run Maven") {
			continue
		}
		if reasons = append(reasons, text); len(reasons) == 3 {
			break
		}
	}
	return strings.Join(reasons, "; ")
}
