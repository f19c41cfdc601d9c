package disk

import (
	"errors"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/internal/durable"
)

// sync brings the file's contents to the disk, and its length; the rest of what
// the file system knows of it may follow.
func (w *Writer) sync() error {
	for {
		err := unix.Fdatasync(int(w.file.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// Replace is [durable.Replace]; its error says what a full disk means.
func Replace(path string, contents []byte) error {
	if err := durable.Replace(path, contents); err != nil {
		return refused(err, path)
	}
	return nil
}
