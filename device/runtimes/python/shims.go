package python

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"fescue.dev/fescue/fail"
)

// shims is a directory in which `python` and `python3` are the interpreter:
// commands say `python server.py` on systems that have only python3, or where
// another version was asked for.
func (p *Python) shims(i interpreter) (string, error) {
	const op = "make links to Python"
	name := sha256.Sum256([]byte(i.path))
	dir := filepath.Join(p.Dir, shimFolder, hex.EncodeToString(name[:8]))
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fail.Wrap(err, fail.Exhausted, op, dir)
	}
	for _, link := range []string{"python", "python3", "python" + i.minor()} {
		err := os.Symlink(i.path, filepath.Join(dir, link))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fail.Wrap(err, fail.Exhausted, op, dir)
		}
	}
	return dir, nil
}
