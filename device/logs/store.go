package logs

import (
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Store is the logs of all applications of a device, in one directory. It is
// safe for concurrent use.
type Store struct {
	dir string
	log *slog.Logger

	// buffers are where records are put together, so that an idle application
	// holds none.
	buffers sync.Pool

	mu     sync.Mutex
	apps   map[spec.Name]*appLog
	closed bool
}

// Open opens the logs in dir, which is made when the first line is written.
// Only trouble with the disk is told to log.
func Open(dir string, log *slog.Logger) *Store {
	return &Store{
		dir: dir, log: log, apps: map[spec.Name]*appLog{},
		buffers: sync.Pool{New: func() any { return new(batch) }},
	}
}

// Close closes all files and ends all followers. What is written afterwards is
// dropped.
func (s *Store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, l := range s.apps {
		l.end()
	}
}

// Delete removes an application's log; its followers end, and what its writers still
// write is dropped. A writer made afterwards begins a new log.
func (s *Store) Delete(app spec.Name) error {
	if err := app.Validate(); err != nil {
		return fail.Wrap(err, fail.Invalid, "delete log", string(app))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.apps[app]; ok {
		l.end()
		delete(s.apps, app)
	}
	return fail.Wrap(os.RemoveAll(s.path(app)), fail.Internal, "delete log", string(app))
}

func (s *Store) path(app spec.Name) string { return filepath.Join(s.dir, string(app)) }

// of is the log of an application, loaded when it is first asked for. A name is a
// directory's: one that is none has a log that keeps nothing.
func (s *Store) of(app spec.Name) *appLog {
	if app.Validate() != nil {
		return &appLog{app: app, log: s.log, ended: true}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.apps[app]
	if !ok {
		l = &appLog{app: app, dir: s.path(app), log: s.log, quota: int64(spec.DefaultLogs)}
		l.load()
		if s.closed {
			l.end()
		}
		s.apps[app] = l
	}
	return l
}
