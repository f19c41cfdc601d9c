package test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/exchange/packet"
)

// padded is a module that has grown to size by a custom section, which runs as before.
func padded(code []byte, size int) []byte {
	body := make([]byte, size-len(code)-4)
	body[0], body[1] = 1, 'x'
	for i := range body[2:] {
		body[2+i] = byte(i*i + i>>8)
	}
	section := append([]byte{0}, binary.AppendUvarint(nil, uint64(len(body)))...)
	return append(append(bytes.Clone(code), section...), body...)
}

// packets is a connection whose bytes are seen packet by packet in both
// directions; filter gives what is passed on for each.
type packets struct {
	net.Conn
	filter func(p []byte, toBoard bool) [][]byte
	unit   []byte
	ready  []byte
	mu     sync.Mutex
}

func (c *packets) Read(p []byte) (int, error) {
	for len(c.ready) == 0 {
		var b [512]byte
		n, err := c.Conn.Read(b[:])
		if err != nil {
			return 0, err
		}
		for _, x := range b[:n] {
			c.unit = append(c.unit, x)
			if x == 0 {
				c.ready = append(c.ready, c.pass(c.unit, false)...)
				c.unit = nil
			}
		}
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

func (c *packets) pass(p []byte, toBoard bool) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Join(c.filter(p, toBoard), nil)
}

func (c *packets) Write(p []byte) (int, error) {
	if out := c.pass(p, true); len(out) > 0 {
		if _, err := c.Conn.Write(out); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func TestNoisyLine(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	dropped, garbled := 0, 0
	noise := func(p []byte, _ bool) [][]byte {
		switch chance := random.IntN(100); {
		case chance < 5:
			dropped++
			return nil
		case chance < 10:
			garbled++
			q := bytes.Clone(p)
			q[random.IntN(len(q))] ^= byte(1 + random.IntN(255))
			return [][]byte{q}
		}
		return [][]byte{p}
	}
	b := newBench(t)
	path := b.listen(func(c net.Conn) io.ReadWriteCloser { return &packets{Conn: c, filter: noise} })
	agentProcess(t, compilePosix(t), filepath.Join(t.TempDir(), "flash"), nil, "unix:"+path)
	board := b.board()
	b.must(b.install(board, micro.Module{Code: padded(module(t, "echo"), 4000)}))
	for i := range 60 {
		b.wantReply(board, fmt.Sprint("call ", i), fmt.Sprint("call ", i))
	}
	t.Logf("%d packets dropped, %d garbled", dropped, garbled)
	if dropped == 0 || garbled == 0 {
		t.Error("the line was not noisy")
	}
}

func testKey(n byte) [packet.KeySize]byte {
	var k [packet.KeySize]byte
	for i := range k {
		k[i] = n + byte(i)
	}
	return k
}

// Packets that are sent again by somebody who has recorded them change nothing.
func TestReplay(t *testing.T) {
	var recorded [][]byte
	again := func(p []byte, toBoard bool) [][]byte {
		if toBoard {
			return [][]byte{p}
		}
		recorded = append(recorded, bytes.Clone(p))
		return append([][]byte{p}, recorded[max(0, len(recorded)-40):]...)
	}
	b := newBench(t)
	key := testKey(1)
	b.opt.Keys = func() []packet.Key { return []packet.Key{{Device: "board-1", Key: key}} }
	path := b.listen(func(c net.Conn) io.ReadWriteCloser { return &packets{Conn: c, filter: again} })
	agentProcess(t, compilePosix(t), filepath.Join(t.TempDir(), "flash"), nil, "--key", hex.EncodeToString(key[:]), "unix:"+path)
	board := b.board()
	b.must(b.install(board, micro.Module{Code: module(t, "roots"), Settings: "publish=poly/#"}))
	var c [8]byte
	binary.LittleEndian.PutUint32(c[4:], uint32(0xffffffff-3999)) // x² = 4
	for i := range 10 {
		b.wantReply(board, string(c[:]), "")
		b.eventually("the roots", func() bool { return len(b.published) == i+1 })
	}
	if len(recorded) < 20 {
		t.Error("nothing was repeated")
	}
	if len(b.boards) > 0 {
		t.Error("a repeated packet began a session")
	}
}

func TestWrongKey(t *testing.T) {
	b := newBench(t)
	key, other := testKey(1), testKey(2)
	b.opt.Keys = func() []packet.Key { return []packet.Key{{Device: "board-1", Key: key}} }
	path := b.listen(plain)
	program := compilePosix(t)
	agentProcess(t, program, filepath.Join(t.TempDir(), "flash"), nil, "--key", hex.EncodeToString(other[:]), "unix:"+path)
	b.eventually("the refusal of the wrong key", func() bool { return b.refused >= 2 })
	agentProcess(t, program, filepath.Join(t.TempDir(), "flash"), nil, "unix:"+path)
	b.eventually("the refusal of a board without a key", func() bool { return b.refused >= 5 })
	if len(b.boards) > 0 {
		t.Error("a board with the wrong key has a session")
	}
}

// A transfer that breaks off in the middle goes on where it was.
func TestResume(t *testing.T) {
	code := padded(module(t, "echo"), 12000)
	sent, limit := 0, 5000
	count := func(p []byte, toBoard bool) [][]byte {
		if toBoard && len(p) > 100 {
			if sent += len(p); sent > limit {
				return nil
			}
		}
		return [][]byte{p}
	}
	b := newBench(t)
	program, flash := compilePosix(t), filepath.Join(t.TempDir(), "flash")
	path := b.listen(func(c net.Conn) io.ReadWriteCloser { return &packets{Conn: c, filter: count} })
	agent := agentProcess(t, program, flash, nil, "unix:"+path)
	board := b.board()
	ctx, cancel := context.WithTimeout(b.ctx, 3*time.Second)
	defer cancel()
	if err := board.Install(ctx, micro.Module{Function: "f", Version: "1.0.0", Code: code, Fuel: 100}); err == nil {
		t.Fatal("the whole module went through a line that was cut")
	}
	_ = agent.Process.Kill()
	_ = agent.Wait()
	sent, limit = 0, 1<<30
	agentProcess(t, program, flash, nil, "unix:"+path)
	board = b.board()
	b.must(b.install(board, micro.Module{Code: code, Fuel: 100}))
	b.wantReply(board, "whole", "whole")
	t.Logf("second transfer: %d bytes of %d", sent, len(code))
	if sent > 9500 {
		t.Errorf("%d bytes were sent in the second transfer of a module of %d, of which some 5000 were there", sent, len(code))
	}
}

// The power is cut at every kind of moment of an update: the old version runs, or
// the new one, and the update can be repeated.
func TestPowerCut(t *testing.T) {
	program, dir := compilePosix(t), t.TempDir()
	echo, twice := padded(module(t, "echo"), 700), padded(module(t, "twice"), 700)
	trials := 24
	old, renewed := 0, 0
	for i := range trials {
		flash := filepath.Join(dir, fmt.Sprint("flash", i))
		b := newBench(t)
		path := b.listen(plain)
		first := agentProcess(t, program, flash, nil, "unix:"+path)
		b.must(b.install(b.board(), micro.Module{Code: echo}))
		_ = first.Process.Kill()
		_ = first.Wait()

		cut := i * 40 // of the some 900 units that are erased and programmed
		second := agentProcess(t, program, flash, []string{fmt.Sprint("FESCUE_MICRO_POWER_CUT=", cut)}, "unix:"+path)
		err := b.install(b.board(), micro.Module{Code: twice, Version: "2.0.0"})
		if err == nil && i < trials/2 {
			t.Errorf("cut after %d units: the update was not interrupted", cut)
		}
		_ = second.Process.Kill()
		_ = second.Wait()

		agentProcess(t, program, flash, nil, "unix:"+path)
		board := b.board()
		got, err := b.invoke(board, "ab")
		switch {
		case err == nil && got == "ab":
			old++
		case err == nil && got == "abab":
			renewed++
		default:
			t.Errorf("cut after %d units: %q, %v", cut, got, err)
		}
		b.must(b.install(board, micro.Module{Code: twice, Version: "2.0.0"}))
		b.wantReply(board, "ab", "abab")
	}
	t.Logf("%d power cuts: %d times the old version came up, %d times the new one", trials, old, renewed)
	if old == 0 || renewed == 0 {
		t.Error("the cuts were not spread over the update")
	}
}
