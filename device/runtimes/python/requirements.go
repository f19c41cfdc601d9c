package python

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/fail"
)

// environment is a virtual environment that may or may not exist yet.
type environment struct {
	path         string // "" where the application needs none
	requirements string // the file
	wheels       string // the artifact's directory of wheels, or ""
}

// WheelsFolder, in an artifact, holds packages for a device without network.
const WheelsFolder = "wheels"

// environmentOf names the environment by all that it is made from, so that the same
// is built once and another is another. The interpreter counts without the last number of its
// version: a patch keeps environments working. A file that refers to others of
// the artifact makes the environment that artifact's own.
func (p *Python) environmentOf(i interpreter, app runtimes.Application) (environment, error) {
	file := app.Configuration.Dependencies.Requirements
	if file == "" {
		return environment{}, nil
	}
	const op = "read requirements"
	root, err := os.OpenRoot(app.Dir) // a link must not lead the agent out of the artifact
	if err != nil {
		return environment{}, fail.Wrap(err, fail.NotFound, op, app.Dir)
	}
	defer root.Close() //nolint:errcheck // only read
	text, err := root.ReadFile(filepath.FromSlash(file))
	if err != nil {
		return environment{}, fail.Wrap(err, fail.NotFound, op, file)
	}
	e := environment{requirements: filepath.Join(app.Dir, filepath.FromSlash(file))}
	h := sha256.New()
	fmt.Fprintf(h, "1\n%s\n%s\n%s\n%d\n%s", i.path, i.minor(), i.tag, len(text), text)
	if refersToFiles(string(text)) {
		fmt.Fprintf(h, "\n%s", app.Artifact)
	}
	has, err := hashWheels(h, root)
	if err != nil {
		return environment{}, fail.Wrap(err, fail.Internal, op, WheelsFolder)
	}
	if has {
		e.wheels = filepath.Join(app.Dir, WheelsFolder)
	}
	e.path = filepath.Join(p.Dir, hex.EncodeToString(h.Sum(nil))[:32])
	return e, nil
}

// refersToFiles tells whether a line names something by its path: an option
// that reads a file, an editable install, a local project.
func refersToFiles(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "--index-url"), strings.HasPrefix(line, "--extra-index-url"), strings.HasPrefix(line, "--hash"):
		case strings.HasPrefix(line, "-"), strings.HasPrefix(line, "."), strings.HasPrefix(line, "/"), strings.Contains(line, "file:"):
			return true
		case !strings.Contains(line, "://") && strings.Contains(line, "/"):
			return true
		}
	}
	return false
}

// hashWheels adds the names and contents of the wheels folder.
func hashWheels(h io.Writer, root *os.Root) (has bool, err error) {
	err = fs.WalkDir(root.FS(), WheelsFolder, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == WheelsFolder {
			return fs.SkipAll
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		has = true
		f, err := root.Open(path)
		if err != nil {
			return err
		}
		defer f.Close() // only read
		one := sha256.New()
		if _, err := io.Copy(one, f); err != nil {
			return err
		}
		fmt.Fprintf(h, "\n%s %x", path, one.Sum(nil))
		return nil
	})
	return has, err
}
