package test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/exchange/packet"
)

// emulators tells how qemu starts each image. The serial line is its first
// character device, "line"; the semihosting configuration is added.
var emulators = map[string][]string{
	"mps2-an385":  {"qemu-system-arm", "-M", "mps2-an385"},
	"lm3s6965evb": {"qemu-system-arm", "-M", "lm3s6965evb"},
	"versatilepb": {"qemu-system-arm", "-M", "versatilepb", "-m", "16"},
	"rv32-virt":   {"qemu-system-riscv32", "-M", "virt", "-m", "16", "-bios", "none"},
}

// images are the bare boards' programs, built once.
var images struct {
	sync.Once
	dir string
	err error
	out []byte
}

func image(t testing.TB, board string) string {
	t.Helper()
	images.Do(func() {
		images.dir = filepath.Join(scratch, "boards")
		images.out, images.err = exec.Command("make", "-C", "../ports/bare", "OUT="+images.dir).CombinedOutput()
	})
	if images.err != nil {
		t.Fatalf("make (make micro-deps installs the compilers): %v\n%.4000s", images.err, images.out)
	}
	return filepath.Join(images.dir, board+".elf")
}

// emulator is a running board.
type emulator struct {
	t    testing.TB
	args []string
	cmd  *exec.Cmd
	path string // the socket of its monitor, if it has one
}

// startEmulator starts a board whose serial line is the Unix socket at path, or whose
// Ethernet reaches udp:ADDRESS:PORT of this machine.
func startEmulator(t testing.TB, board, path, flash string, k keys) *emulator {
	t.Helper()
	key, sign := cmp.Or(k.key, "-"), cmp.Or(k.sign, "-")
	run := emulators[board]
	e := &emulator{t: t, path: filepath.Join(t.TempDir(), "monitor")}
	serial := []string{"-chardev", "socket,id=line,path=" + path, "-serial", "chardev:line"}
	line := "-"
	if address, ok := strings.CutPrefix(path, "udp:"); ok { // the emulator's network has the host at 10.0.2.2
		_, port, _ := strings.Cut(address, ":")
		serial, line = []string{"-serial", "none", "-nic", "user,model=lan9118"}, "udp:10.0.2.15:10.0.2.2:"+port
	}
	e.args = slices.Concat(run, serial, []string{"-display", "none", "-monitor", "unix:" + e.path + ",server=on,wait=off", "-kernel", image(t, board),
		"-semihosting-config", "enable=on,target=native," + strings.Join([]string{"arg=fescue", "arg=" + k.device, "arg=" + key, "arg=" + flash, "arg=" + sign, "arg=" + line}, ",")})
	t.Cleanup(e.kill)
	e.start()
	return e
}

func (e *emulator) start() {
	e.t.Helper()
	e.cmd = exec.Command(e.args[0], e.args[1:]...)
	e.cmd.Env = append(os.Environ(), "QEMU_AUDIO_DRV=none")
	if err := e.cmd.Start(); err != nil {
		e.t.Fatalf("%v (make micro-deps installs the emulators)", err)
	}
}

func (e *emulator) kill() {
	_ = e.cmd.Process.Kill()
	_ = e.cmd.Wait()
}

// keys are what a board's firmware has: its name, its key and the public one of those
// who sign its modules, in hexadecimal; "": none.
type keys struct{ device, key, sign string }

// flooded puts more noise before each packet to the board than it keeps until it looks:
// what an interrupt cannot take waits in the UART, and nothing is lost.
func flooded(c net.Conn) io.ReadWriteCloser {
	noise := append(bytes.Repeat([]byte{0x55}, 600), 0)
	return &packets{Conn: c, filter: func(p []byte, toBoard bool) [][]byte {
		if toBoard {
			return [][]byte{noise, p}
		}
		return [][]byte{p}
	}}
}

// Every board passes the scenario, under a key, takes only what is signed, and comes back from its flash when
// the emulator is killed in the middle of an update.
func TestEmulators(t *testing.T) {
	for board := range emulators {
		t.Run(board, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			key := testKey(7)
			b.opt.Keys = func() []packet.Key { return []packet.Key{{Device: "board-1", Key: key}} }
			b.signer = signerOf(4)
			flash := filepath.Join(t.TempDir(), "flash")
			e := startEmulator(t, board, b.listen(flooded), flash, keys{"board-1", hex.EncodeToString(key[:]), publicOf(b.signer)})
			first := b.board()
			if string(first.Facts.Platform) != "micro/"+board {
				t.Errorf("it says it is %s", first.Facts.Platform)
			}
			inTable(t, first.Facts)
			scenario(b, first)
			forged(b, first)
			pins(b, e, first, board)
			killed(b, e, first)
			remembers(b, e)
		})
	}
}

// remembers counts in the state, which outlasts the emulator.
func remembers(b *bench, e *emulator) {
	e.kill()
	for want := range 2 {
		e.start()
		board := b.board()
		b.must(b.install(board, micro.Module{Code: module(b.t, "tally"), Version: "8.0.0"}))
		b.wantReply(board, "", string([]byte{byte(want + 1), 0, 0, 0}))
		e.kill()
	}
}

// killed installs a version and kills the emulator on the way; the old version
// answers after the start, and the update goes on.
func killed(b *bench, e *emulator, board *micro.Board) {
	t := b.t
	b.must(b.install(board, micro.Module{Code: module(t, "echo"), Version: "6.0.0"}))
	b.wantReply(board, "six", "six")
	done := make(chan error, 1)
	go func() {
		done <- b.install(board, micro.Module{Code: padded(module(t, "twice"), 6000), Version: "7.0.0"})
	}()
	time.Sleep(20 * time.Millisecond) // wherever it is then; the power cuts of TestPowerCut are at exact places
	e.kill()
	<-done
	e.start()
	again := b.board()
	got, err := b.invoke(again, "ab")
	if err != nil || got != "ab" && got != "abab" {
		t.Fatalf("after the kill: %q, %v", got, err)
	}
	b.must(b.install(again, micro.Module{Code: padded(module(t, "twice"), 6000), Version: "7.0.0"}))
	b.wantReply(again, "ab", "abab")
}
