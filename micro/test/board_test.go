package test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/exchange/packet"
	"fescue.dev/fescue/spec"
)

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// bench is a gateway's end of a line: it hands out the board's sessions.
type bench struct {
	t      testing.TB
	opt    packet.Options
	boards chan *micro.Board
	signer ed25519.PrivateKey // of all modules that are installed; nil: they are not signed
	lines  sync.WaitGroup
	ctx    context.Context

	mu        sync.Mutex
	published []string
	logged    []string
	returned  []spec.Name
	frames    []string // that publish
	console   []string
	refused   int
}

func newBench(t testing.TB) *bench {
	ctx, cancel := context.WithCancel(context.Background())
	b := &bench{t: t, boards: make(chan *micro.Board, 16), ctx: ctx}
	b.opt.Name = "serial"
	b.opt.Refused = func() { b.note(func() { b.refused++ }) }
	t.Cleanup(func() { cancel(); b.lines.Wait() })
	return b
}

func (b *bench) note(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// line serves a line until it ends.
func (b *bench) line(l packet.Line) {
	b.lines.Go(func() { _ = packet.Serve(b.ctx, l, b.opt, b.session) })
}

func (b *bench) stream(c io.ReadWriteCloser) {
	b.line(packet.Stream(c, func(s string) { b.note(func() { b.console = append(b.console, s) }) }))
}

func (b *bench) session(s *packet.Session) {
	defer s.Close()
	board, err := micro.Greet(s, "gateway", micro.Events{
		Publish: func(f spec.Name, topic spec.Topic, p []byte) {
			b.note(func() { b.published = append(b.published, fmt.Sprintf("%s %s %s", f, topic, p)) })
		},
		Log: func(f spec.Name, _ uint32, text string) {
			b.note(func() { b.logged = append(b.logged, fmt.Sprintf("%s %s", f, text)) })
		},
		Frame: func(s micro.Seen) {
			if !s.Sent && (s.Frame == "REGISTER" || strings.HasPrefix(s.Frame, "PUBLISH")) {
				b.note(func() { b.frames = append(b.frames, s.Frame) })
			}
		},
		Returned: func(f spec.Name) { b.note(func() { b.returned = append(b.returned, f) }) },
	})
	if err != nil {
		return
	}
	b.boards <- board
	_ = board.Run(b.ctx)
}

// listen is a Unix socket on which the board's line comes; through is put between.
func (b *bench) listen(through func(net.Conn) io.ReadWriteCloser) string {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "line")
	l, err := net.Listen("unix", path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.stream(through(c))
		}
	}()
	return path
}

func plain(c net.Conn) io.ReadWriteCloser { return c }

// board waits for a session that is ready.
func (b *bench) board() *micro.Board {
	b.t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case board := <-b.boards:
			select {
			case <-board.Ready():
				return board
			case <-board.Done():
			case <-deadline:
				b.t.Fatal("the board does not become ready")
			}
		case <-deadline:
			b.t.Fatal("no board comes")
		}
	}
}

func (b *bench) install(board *micro.Board, m micro.Module) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if m.Function == "" {
		m.Function = "f"
	}
	if m.Version == "" {
		m.Version = "1.0.0"
	}
	if m.Fuel == 0 {
		m.Fuel = 500
	}
	if m.Signature == nil && b.signer != nil {
		m.Signature = sign(b.t, b.signer, m)
	}
	return board.Install(ctx, m)
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) invoke(board *micro.Board, payload string) (string, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	out, err := board.Invoke(ctx, "f", "in/x", []byte(payload), 5*time.Second)
	return string(out), err
}

func (b *bench) wantReply(board *micro.Board, payload, want string) {
	b.t.Helper()
	if got, err := b.invoke(board, payload); err != nil || got != want {
		b.t.Fatalf("invoke %q: %q, %v; want %q", payload, got, err, want)
	}
}

func (b *bench) wantFailure(board *micro.Board, payload, want string) {
	b.t.Helper()
	if got, err := b.invoke(board, payload); err == nil || !strings.Contains(err.Error(), want) {
		b.t.Fatalf("invoke: %q, %v; want a failure with %q", got, err, want)
	}
}

// eventually waits until what a note holds is so.
func (b *bench) eventually(what string, is func() bool) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		b.mu.Lock()
		ok := is()
		b.mu.Unlock()
		if ok {
			return
		}
	}
	b.t.Fatalf("%s: it does not come", what)
}

// agentProcess starts the posix port.
func agentProcess(t testing.TB, program, flash string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program, append([]string{"--id", "board-1", "--flash", flash}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if out.Len() > 0 {
			t.Errorf("the agent said: %.3000s", out.String())
		}
	})
	return cmd
}

// scenario is what every port must pass.
func scenario(b *bench, board *micro.Board) {
	t := b.t
	echo, twice := module(t, "echo"), module(t, "twice")
	b.must(b.install(board, micro.Module{Code: echo}))
	b.wantReply(board, "hello", "hello")
	b.must(b.install(board, micro.Module{Code: twice, Version: "2.0.0"}))
	b.wantReply(board, "ab", "abab")

	var coefficients [8]byte
	p, q := int32(-5000), int32(6000)
	binary.LittleEndian.PutUint32(coefficients[:], uint32(p))
	binary.LittleEndian.PutUint32(coefficients[4:], uint32(q))
	b.must(b.install(board, micro.Module{Code: module(t, "roots"), Version: "3.0.0", Settings: "publish=poly/+"}))
	b.wantReply(board, string(coefficients[:]), "")
	b.eventually("the roots", func() bool { return len(b.published) == 1 && b.published[0] == "f poly/roots 2000 3000" })
	b.eventually("the log line", func() bool { return len(b.logged) == 1 && b.logged[0] == "f roots published" })
	b.wantFailure(board, "12345678", "no real roots")

	// A new version that never ends is stopped by its fuel, and the old one comes back.
	b.must(b.install(board, micro.Module{Code: module(t, "loop"), Version: "4.0.0", Fuel: 20}))
	b.wantFailure(board, "x", "fuel used up")
	b.eventually("the way back", func() bool { return len(b.returned) == 1 })
	b.wantFailure(board, "12345678", "no real roots")

	b.must(b.install(board, micro.Module{Code: module(t, "wild"), Version: "5.0.0"}))
	b.wantReply(board, "", "")
	b.wantFailure(board, "\xf0\xff\xff\xff", "memory access out of bounds")
	b.wantReply(board, "", "") // it had proven itself: it stays
}

// posix holds the compiled port, once for all tests.
var posix struct {
	sync.Mutex
	program string
}

func compilePosix(t testing.TB) string {
	posix.Lock()
	defer posix.Unlock()
	if posix.program == "" {
		posix.program = compile(t, "../ports/posix/main.c", append(sanitised[:len(sanitised):len(sanitised)], "-DFESCUE_SIGNATURES=1", "../ports/posix/pins.c")...)
	}
	return posix.program
}

func TestPosix(t *testing.T) {
	program := compilePosix(t)
	for _, line := range []string{"binary", "text"} {
		t.Run(line, func(t *testing.T) {
			b := newBench(t)
			args := []string{"unix:" + b.listen(plain)}
			if line == "text" {
				args = append([]string{"--text"}, args...)
			}
			agentProcess(t, program, filepath.Join(t.TempDir(), "flash"), nil, args...)
			board := b.board()
			if board.Facts.ID != "board-1" || board.Facts.Platform != "micro/posix" {
				t.Errorf("facts %+v", board.Facts)
			}
			inTable(t, board.Facts)
			scenario(b, board)
		})
	}
}
