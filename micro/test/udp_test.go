package test

import (
	"context"
	"encoding/hex"
	"net"
	"path/filepath"
	"testing"

	"fescue.dev/fescue/exchange/packet"
)

// Over UDP the same scenario passes; datagrams are packets as they are.
func TestUDP(t *testing.T) {
	b := newBench(t)
	key := testKey(9)
	b.opt.Name = "udp"
	b.opt.Keys = func() []packet.Key { return []packet.Key{{Device: "board-1", Key: key}} }
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	b.lines.Go(func() {
		_ = packet.Datagrams(b.ctx, socket, func(ctx context.Context, l packet.Line) { _ = packet.Serve(ctx, l, b.opt, b.session) })
	})
	context.AfterFunc(b.ctx, func() { _ = socket.Close() })
	agentProcess(t, compilePosix(t), filepath.Join(t.TempDir(), "flash"), nil, "--key", hex.EncodeToString(key[:]), "udp:"+socket.LocalAddr().String())
	scenario(b, b.board())
}
