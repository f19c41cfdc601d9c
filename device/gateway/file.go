package gateway

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// filesFolder holds the bodies that are files, below an application's data.
const filesFolder = "requests"

// toFile streams the body to a file of the application's. The directory is the
// application's own, which may have put a link in its place: nothing is followed out of it.
func (r *Request) toFile(body io.Reader, route *Route) (err error) {
	const op = "store body"
	root, err := os.OpenRoot(route.Data)
	if err != nil {
		return bodyError(op, err)
	}
	defer root.Close() //nolint:errcheck // only names
	if err := root.Mkdir(filesFolder, 0o700); err == nil {
		err = root.Lchown(filesFolder, route.UID, route.GID)
		if err != nil {
			return bodyError(op, err)
		}
	}
	name := filepath.Join(filesFolder, newID())
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return bodyError(op, err)
	}
	_, err = io.Copy(f, body)
	if route.Trigger.Async {
		err = errors.Join(err, f.Sync())
	}
	if err = errors.Join(err, f.Chown(route.UID, route.GID), f.Close()); err != nil {
		return bodyError(op, errors.Join(err, root.Remove(name)))
	}
	r.File = filepath.Join(route.Data, name)
	return nil
}
