package fabric

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// natsLog passes nats-server's log on. Its notices are about itself (version,
// banner, "server is ready") and become debug lines.
type natsLog struct {
	log *slog.Logger
	// violation takes a line about a client's want of permission; false: it is none.
	violation func(text string) bool

	mu    sync.Mutex
	first string // the first fatal text; nats-server expects the process to end
}

func (l *natsLog) text(format string, v []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, v...))
}

// Noticef implements nats-server's Logger, as do the methods below.
func (l *natsLog) Noticef(format string, v ...any) {
	l.log.Debug("nats-server", "text", l.text(format, v))
}

// Warnf logs a warning.
func (l *natsLog) Warnf(format string, v ...any) {
	l.log.Warn("nats-server", "text", l.text(format, v))
}

// Errorf logs an error.
func (l *natsLog) Errorf(format string, v ...any) {
	text := l.text(format, v)
	if strings.Contains(text, "authentication error") {
		l.log.Debug("nats-server", "text", text) // the authenticator has said why
		return
	}
	if l.violation == nil || !l.violation(text) {
		l.log.Error("nats-server", "text", text)
	}
}

// Fatalf logs an error and keeps it for [natsLog.fatal].
func (l *natsLog) Fatalf(format string, v ...any) {
	l.Errorf(format, v...)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == "" {
		l.first = l.text(format, v)
	}
}

// Debugf is never called: debugging is off.
func (l *natsLog) Debugf(string, ...any) {}

// Tracef is never called: tracing is off.
func (l *natsLog) Tracef(string, ...any) {}

// fatal is the failure for which nats-server wanted the process to end, or nil.
func (l *natsLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == "" {
		return nil
	}
	return errors.New(l.first)
}
