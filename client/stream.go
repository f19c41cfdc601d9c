package client

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"fescue.dev/fescue/fail"
)

// maxEvent bounds one server-sent event: a message of Data Xchange in Base64, or
// a record with a stack.
const maxEvent = 8 << 20

// event is one server-sent event (the HTML standard, section 9.2).
type event struct {
	kind, id string
	data     []byte
}

// eventReader takes a stream of server-sent events apart.
type eventReader struct{ lines *bufio.Scanner }

func newEventReader(r io.Reader) *eventReader {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), maxEvent)
	return &eventReader{lines}
}

// next is the next event; comments are passed over. io.EOF says that the stream
// has ended between two events.
func (r *eventReader) next() (event, error) {
	var e event
	begun := false
	for r.lines.Scan() {
		line := strings.TrimSuffix(r.lines.Text(), "\r")
		if line == "" {
			if begun && e.data != nil {
				return e, nil
			}
			e, begun = event{}, false
			continue
		}
		begun = true
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			e.kind = value
		case "id":
			e.id = value
		case "data":
			if e.data == nil {
				e.data = []byte{} // empty data are data
			} else {
				e.data = append(e.data, '\n')
			}
			e.data = append(e.data, value...)
		}
	}
	if err := r.lines.Err(); err != nil {
		return event{}, err
	}
	if begun && e.data != nil {
		return event{}, io.ErrUnexpectedEOF
	}
	return event{}, io.EOF
}

// errSilent ends a connection on which nothing comes.
var errSilent = fail.New(fail.Unavailable, "read answer", "the server has fallen silent")

// idleBody is an answer's body that ends when nothing comes for too long.
type idleBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
	idle   time.Duration

	mu     sync.Mutex
	timer  *time.Timer
	silent bool
}

func newIdleBody(body io.ReadCloser, cancel context.CancelCauseFunc, idle time.Duration) *idleBody {
	b := &idleBody{ReadCloser: body, cancel: cancel, idle: idle}
	b.timer = time.AfterFunc(idle, func() {
		b.mu.Lock()
		b.silent = true
		b.mu.Unlock()
		cancel(errSilent)
	})
	return b
}

// Read reads, as long as something comes.
func (b *idleBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.idle)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return n, err
	case b.silent:
		return n, errSilent
	}
	return n, fail.Wrap(err, fail.Unavailable, "read answer", "")
}

// Close ends the request.
func (b *idleBody) Close() error {
	b.timer.Stop()
	b.cancel(nil)
	return b.ReadCloser.Close()
}
