package app

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// openState makes the state directory and locks it: one process at a time works
// on it.
func openState(dir string) (path string, unlock func(), err error) {
	const op = "open state directory"
	path, err = filepath.Abs(dir)
	if err != nil {
		return "", nil, fail.Wrap(err, fail.Invalid, op, dir)
	}
	// Applications' users pass through to their own directories, and list nothing.
	for _, d := range []string{path, filepath.Join(path, "device")} {
		if err := os.MkdirAll(d, 0o711); err != nil {
			return "", nil, fail.Wrap(err, fail.Denied, op, path)
		}
	}
	if err := os.MkdirAll(filepath.Join(path, "server"), 0o700); err != nil {
		return "", nil, fail.Wrap(err, fail.Denied, op, path)
	}
	f, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", nil, fail.Wrap(err, fail.Denied, op, path)
	}
	if !lock(f) {
		f.Close() // nothing was written
		return "", nil, fail.New(fail.Conflict, op, "another fescue works on it").On(path).
			WithHint("Stop that one, or choose another directory with --state.")
	}
	return path, func() { _ = f.Close() }, nil
}

// dying is how long the lock of a killed Fescue may still be held by a child of it that it
// was just starting: until that has executed its program.
const dying = time.Second

func lock(f *os.File) bool {
	for deadline := time.Now().Add(dying); ; time.Sleep(10 * time.Millisecond) {
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// writeAddress leaves the API's address for the command line.
func writeAddress(path, url string) error {
	temp := path + ".new"
	err := os.WriteFile(temp, []byte(url+"\n"), 0o644)
	if err == nil {
		err = os.Rename(temp, path)
	}
	return fail.Wrap(err, fail.Internal, "write address", path)
}

// deviceName is the name that was asked for, else the host's as far as it can
// be one.
func deviceName(asked string) (spec.DeviceID, error) {
	if asked != "" {
		return spec.ParseDeviceID(asked)
	}
	host, err := os.Hostname()
	if err != nil {
		return "", fail.New(fail.Internal, "name device", "%w", err).WithHint("Name it with --device.")
	}
	host, _, _ = strings.Cut(strings.ToLower(host), ".")
	host = strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, host), "-")
	if len(host) > 63 {
		host = strings.Trim(host[:63], "-")
	}
	id, err := spec.ParseDeviceID(host)
	if err != nil {
		return "device", nil // a host without a usable name still is a device
	}
	return id, nil
}
