package test

import (
	"fmt"
	"net"
	"path/filepath"
	"testing"
)

// A board with Ethernet speaks UDP with a real gateway: it is enrolled, deployed to, called,
// publishes, traps, and is back after it was killed.
func TestEthernet(t *testing.T) {
	t.Parallel()
	f := newFescue(t)
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprint("udp:", socket.LocalAddr())
	_ = socket.Close()
	f.up("--micro", line)
	b := &board{fescue: f, t: t, name: "board-lan"}
	key := b.provision()
	k := keys{b.name, key, publicOf(b.signer)}
	e := startEmulator(t, "mps2-an385", line, filepath.Join(t.TempDir(), "flash"), k)
	b.until(" true", "micro", "info", b.name)
	b.deploy("echo", 4000)
	b.answers("hello", "hello")
	b.roots()
	b.deploy("twice", 0)
	b.answers("ab", "abab")
	b.traps()
	e.kill()
	e.start()
	b.until("", "invoke", b.name, "--device", b.name, "--data", "")
	b.deploy("echo", 0)
	b.answers("again", "again")
}
