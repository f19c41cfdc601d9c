package sdk

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
)

//go:embed java/src/main/java
var java embed.FS

// Java is the sources of the Java SDK, module dev.fescue. Its class
// dev.fescue.Worker runs functions.
func Java() fs.FS {
	sub, err := fs.Sub(java, "java/src/main/java")
	if err != nil {
		panic(err) // the path is a constant and valid
	}
	return sub
}

// ExtractJava is [Extract] for the Java SDK; what it returns is for [CompileJava].
func ExtractJava(dir string) (string, error) {
	return extract(dir, "java", Java())
}

// CompileJava compiles the extracted Java SDK, if it has not been, and returns the
// directory of its classes, for a class path. It takes a second and runs javac, of any
// JDK from 17 on: the classes are the same. Two callers at once are no harm, and an
// interrupted one leaves nothing that is taken for complete.
func CompileJava(ctx context.Context, javac, extracted string) (string, error) {
	const op = "compile the Java SDK"
	classes := filepath.Join(extracted, "classes")
	if _, err := os.Stat(classes); err == nil {
		return classes, nil
	}
	unlock, err := lockDirectory(extracted)
	if err != nil {
		return "", fail.Wrap(err, fail.Internal, op, extracted)
	}
	defer unlock()
	if err := sweep(extracted); err != nil {
		return "", fail.Wrap(err, fail.Internal, op, extracted)
	}
	aside, err := os.MkdirTemp(extracted, ".sdk-")
	if err != nil {
		return "", fail.Wrap(err, fail.Internal, op, extracted)
	}
	defer os.RemoveAll(aside) // gone when renamed
	if out, err := runJavac(ctx, javac, extracted, aside); err != nil {
		return "", fail.New(fail.Internal, op, "%w: %s", err, out).On(javac)
	}
	if err := publishClasses(aside, classes); err != nil {
		return "", fail.Wrap(err, fail.Internal, op, classes)
	}
	return classes, nil
}

func runJavac(ctx context.Context, javac, sources, classes string) (string, error) {
	files, err := filepath.Glob(filepath.Join(sources, "dev", "fescue", "*.java"))
	if err != nil {
		return "", err
	}
	// Concatenation by invokedynamic would cost each start of a worker some 10 ms.
	args := []string{"--release", "17", "-encoding", "UTF-8", "-proc:none", "-nowarn", "-XDstringConcat=inline", "-d", classes}
	cmd := exec.CommandContext(ctx, javac, append(args, files...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return strings.TrimSpace(out.String()), err
}

// publishClasses makes what was compiled readable for all, and moves it into place.
func publishClasses(aside, classes string) error {
	err := filepath.WalkDir(aside, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o644)
	})
	if err != nil {
		return err
	}
	if err := os.Rename(aside, classes); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return durable.SyncDir(filepath.Dir(classes))
}
