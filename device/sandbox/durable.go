package sandbox

import (
	"os"
	"path/filepath"

	"fescue.dev/fescue/fail"
)

// writeDurably replaces a file of the state: whatever happens, it holds the old
// text or the new one.
func writeDurably(path string, text []byte) error {
	dir := filepath.Dir(path)
	err := func() error {
		f, err := os.CreateTemp(dir, ".new-*") // mode 0600
		if err != nil {
			return err
		}
		defer os.Remove(f.Name()) // fails once it is renamed
		if _, err = f.Write(text); err == nil {
			err = f.Sync()
		}
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
		if err := os.Rename(f.Name(), path); err != nil {
			return err
		}
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		defer d.Close()
		return d.Sync()
	}()
	return fail.Wrap(err, fail.Exhausted, "write", path)
}
