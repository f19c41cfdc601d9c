package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/spec"
)

// desiredState is the newest desired state that the device knows, kept on disk
// for a start without server.
type desiredState struct {
	device spec.DeviceID
	path   string
	log    *slog.Logger

	mu       sync.Mutex
	known    bool
	revision int64
	refused  int64 // the stale revision that was last logged
}

func cachePath(dir string) string { return filepath.Join(dir, "desired.json") }

// load reads what was kept; false when there is nothing of use.
func (s *desiredState) load() (spec.Desired, bool) {
	var d spec.Desired
	data, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return d, false
	}
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	if err == nil && d.Device != s.device {
		err = fmt.Errorf("it is that of device %q", d.Device)
	}
	if err != nil {
		s.log.Error("the kept desired state is of no use: waiting for the server", "file", s.path, "error", err)
		return spec.Desired{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.revision = true, d.Revision
	return d, true
}

// accept tells whether d is newer than what is known, and keeps it then. It is
// on disk before the engine sees it: a device that loses its power in between starts with the newer.
func (s *desiredState) accept(d spec.Desired) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case d.Device != s.device:
		s.log.Error("the server sent the desired state of another device", "device", d.Device)
		return false
	case s.known && d.Revision < s.revision:
		if s.refused != d.Revision {
			s.log.Error("the server's desired state is older than what this device runs, and is ignored; was the server's database restored from a backup? Deploy something to go on",
				"revision", d.Revision, "known", s.revision)
			s.refused = d.Revision
		}
		return false
	case s.known && d.Revision == s.revision:
		return false
	}
	if err := s.keep(d); err != nil {
		s.log.Error("the desired state cannot be kept: without server this device would start with an older one", "file", s.path, "error", err)
	}
	s.known, s.revision = true, d.Revision
	return true
}

func (s *desiredState) current() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revision
}

// keep replaces the file; after a power cut it is either the old or the new one.
func (s *desiredState) keep(d spec.Desired) (err error) {
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	return durable.Replace(s.path, append(data, '\n'))
}
