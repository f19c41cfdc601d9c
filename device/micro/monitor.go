package micro

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"fescue.dev/fescue/fail"
)

// MonitorSocket is where a gateway with its boards' keys in dir tells what it sees.
func MonitorSocket(dir string) string { return filepath.Join(dir, "monitor") }

// monitor tells whoever connects to a Unix socket what is seen, a line of JSON each.
// The socket's permissions are those of the state directory.
type monitor struct {
	path string
	log  *slog.Logger

	mu       sync.Mutex
	watchers map[chan []byte]struct{}
}

// Bounds of the monitor: one that does not read loses lines.
const (
	mostWatchers = 16
	watcherQueue = 1024
)

func newMonitor(path string, log *slog.Logger) *monitor {
	return &monitor{path: path, log: log, watchers: map[chan []byte]struct{}{}}
}

func (m *monitor) tell(s Seen) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.watchers) == 0 {
		return
	}
	if s.Time.IsZero() {
		s.Time = time.Now().UTC()
	}
	line, err := json.Marshal(s)
	if err != nil {
		return // cannot be
	}
	line = append(line, '\n')
	for w := range m.watchers {
		select {
		case w <- line:
		default:
		}
	}
}

// run serves the socket until ctx ends. Without it boards work all the same.
func (m *monitor) run(ctx context.Context) {
	if err := m.serve(ctx); err != nil {
		m.log.Warn("fescue micro monitor has nothing to connect to", "error", err)
	}
}

func (m *monitor) serve(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(m.path), 0o700); err != nil {
		return err
	}
	if err := os.Remove(m.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", m.path)
	if err != nil {
		return err
	}
	if err := os.Chmod(m.path, 0o600); err != nil {
		return errors.Join(err, l.Close())
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var watchers sync.WaitGroup
	defer watchers.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return nil // it was closed
		}
		watchers.Go(func() { m.watch(ctx, c) })
	}
}

func (m *monitor) watch(ctx context.Context, c net.Conn) {
	defer c.Close()
	lines := make(chan []byte, watcherQueue)
	m.mu.Lock()
	full := len(m.watchers) >= mostWatchers
	if !full {
		m.watchers[lines] = struct{}{}
	}
	m.mu.Unlock()
	if full {
		return
	}
	defer func() {
		m.mu.Lock()
		delete(m.watchers, lines)
		m.mu.Unlock()
	}()
	gone := make(chan struct{})
	go func() { defer close(gone); _, _ = io.Copy(io.Discard, c) }() // it says nothing; its end is seen
	for {
		select {
		case line := <-lines:
			if _, err := c.Write(line); err != nil {
				return
			}
		case <-gone:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Follow gives what a gateway on this machine sees, from now on, until ctx ends or
// the gateway does.
func Follow(ctx context.Context, socket string, each func(Seen) error) error {
	const op = "follow microcontrollers"
	c, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return fail.New(fail.Unavailable, op, "no gateway with microcontrollers runs on this machine: %w", err).
			WithHint("Start one: fescue up --micro LINE; or name a line that nobody uses: fescue micro monitor serial:/dev/ttyUSB0.")
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer c.Close()
	for in := bufio.NewScanner(c); in.Scan(); {
		var s Seen
		if err := json.Unmarshal(in.Bytes(), &s); err != nil {
			return fail.Wrap(err, fail.Invalid, op, socket)
		}
		if err := each(s); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return fail.New(fail.Unavailable, op, "the gateway has ended").On(socket)
}
