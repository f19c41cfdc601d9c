package test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/spec"
)

// What is done to one function leaves the other's memory alone: an update, a trap, its
// removal. The board knows the time from the gateway.
func TestOthersStay(t *testing.T) {
	b := newBench(t)
	agentProcess(t, compilePosix(t), filepath.Join(t.TempDir(), "flash"), nil, "unix:"+b.listen(plain))
	board := b.board()
	counted := func(want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		defer cancel()
		if got, err := board.Invoke(ctx, "counter", "", nil, 5*time.Second); err != nil || string(got) != want {
			t.Fatalf("the counter answers %q, %v; want %q", got, err, want)
		}
	}
	install := func(function spec.Name, version spec.Version, code string) {
		t.Helper()
		b.must(b.install(board, micro.Module{Function: function, Version: version, Code: module(t, code)}))
	}
	install("counter", "1.0.0", "count")
	counted("1t")
	install("f", "1.0.0", "echo")
	b.wantReply(board, "hello", "hello")
	counted("2t")
	install("f", "2.0.0", "wild")
	b.wantReply(board, "", "")
	b.wantFailure(board, "\xf0\xff\xff\xff", "memory access out of bounds")
	counted("3t")
	install("f", "3.0.0", "loop") // its first call takes it back
	b.wantFailure(board, "x", "fuel used up")
	counted("4t")
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	b.must(board.Remove(ctx, "f"))
	counted("5t")
}
