package test

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/device/micro"
)

// A topic that is granted by its name crosses the line once in a session and version; what
// a filter grants, each time.
func TestNumbers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	flash, line := filepath.Join(t.TempDir(), "flash"), b.listen(plain)
	process := agentProcess(t, compilePosix(t), flash, nil, "unix:"+line)
	board := b.board()
	var c [8]byte
	binary.LittleEndian.PutUint32(c[4:], uint32(0xffffffff-3999)) // x² = 4
	published := 0
	publishes := func(want string) {
		t.Helper()
		b.note(func() { b.frames = nil })
		for range 3 {
			b.wantReply(board, string(c[:]), "")
		}
		published += 3
		b.eventually("the roots", func() bool {
			return len(b.published) == published && b.published[published-1] == "f poly/roots -2000 2000"
		})
		b.note(func() {
			if got := strings.Join(b.frames, " "); got != want {
				t.Errorf("the board sent %s, want %s", got, want)
			}
		})
	}
	b.must(b.install(board, micro.Module{Code: module(t, "roots"), Settings: "handler=handle\npublish=poly/roots"}))
	publishes("REGISTER PUBLISH PUBLISH PUBLISH")
	publishes("PUBLISH PUBLISH PUBLISH")
	b.must(b.install(board, micro.Module{Code: module(t, "roots"), Version: "2.0.0", Settings: "publish=poly/+"}))
	publishes("PUBLISHTO PUBLISHTO PUBLISHTO")
	b.must(b.install(board, micro.Module{Code: module(t, "roots"), Version: "3.0.0", Settings: "publish=other\npublish=poly/roots"}))
	publishes("REGISTER PUBLISH PUBLISH PUBLISH")

	_ = process.Process.Kill()
	agentProcess(t, compilePosix(t), flash, nil, "unix:"+line)
	board = b.board()
	publishes("REGISTER PUBLISH PUBLISH PUBLISH")
}
