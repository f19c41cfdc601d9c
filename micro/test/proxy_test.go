package test

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// filter sees every packet of a line; it gives what is passed on.
type filter func(packet []byte, toBoard bool) [][]byte

// proxy lies between a board and the gateway's line, and does to packets what is
// wanted at the time.
type proxy struct {
	gateway string // the gateway's socket
	path    string // where the board connects

	mu   sync.Mutex
	does filter
}

// startProxy passes on what comes, to the gateway's socket.
func startProxy(t testing.TB, gateway string) *proxy {
	t.Helper()
	p := &proxy{gateway: gateway, path: filepath.Join(t.TempDir(), "proxy"), does: pass}
	l, err := net.Listen("unix", p.path)
	if err != nil {
		t.Fatal(err)
	}
	var lines sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); lines.Wait() })
	lines.Go(func() {
		for {
			board, err := l.Accept()
			if err != nil {
				return
			}
			lines.Go(func() { p.serve(board) })
		}
	})
	return p
}

func pass(packet []byte, _ bool) [][]byte { return [][]byte{packet} }

func (p *proxy) set(f filter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.does = f
}

func (p *proxy) serve(board net.Conn) {
	defer board.Close()
	var other net.Conn
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var err error
		if other, err = net.Dial("unix", p.gateway); err == nil {
			break
		}
		if time.Now().After(end) {
			return
		}
	}
	defer other.Close()
	done := make(chan struct{}, 2)
	go func() { p.carry(other, board, false); done <- struct{}{} }()
	go func() { p.carry(board, other, true); done <- struct{}{} }()
	<-done
}

// carry ends with either connection.
func (p *proxy) carry(to, from net.Conn, toBoard bool) {
	for in := bufio.NewReader(from); ; {
		packet, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		p.mu.Lock()
		out := bytes.Join(p.does(packet, toBoard), nil)
		p.mu.Unlock()
		if _, err := to.Write(out); err != nil {
			return
		}
	}
}

// noise drops and garbles five packets of a hundred, each.
func noise(faults *int) filter {
	random := rand.New(rand.NewPCG(3, 4))
	return func(p []byte, _ bool) [][]byte {
		switch chance := random.IntN(100); {
		case chance < 5:
			*faults++
			return nil
		case chance < 10:
			*faults++
			q := bytes.Clone(p)
			q[random.IntN(len(q))] ^= byte(1 + random.IntN(255))
			return [][]byte{q}
		}
		return [][]byte{p}
	}
}

// replay sends every packet of the board again, and those before it.
func replay(repeated *int) filter {
	var recorded [][]byte
	return func(p []byte, toBoard bool) [][]byte {
		if toBoard {
			return [][]byte{p}
		}
		recorded = append(recorded, bytes.Clone(p))
		again := recorded[max(0, len(recorded)-20):]
		*repeated += len(again)
		return append([][]byte{p}, again...)
	}
}

// cut lets so many bytes of large packets to the board through, then none; sent counts
// all of them, and full is closed when the cut is there.
func cut(limit int, sent *int, full chan struct{}) filter {
	over := false
	return func(p []byte, toBoard bool) [][]byte {
		if !toBoard || len(p) < 60 {
			return [][]byte{p}
		}
		if *sent += len(p); *sent <= limit {
			return [][]byte{p}
		}
		if !over {
			over = true
			close(full)
		}
		return nil
	}
}
