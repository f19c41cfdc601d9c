package test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"fescue.dev/fescue/device/micro"
)

// The Arduino library, with Debian's core for AVR: its examples compile as the IDE
// compiles them, and a sketch on a Mega passes the scenario. Functions have the pins
// that their settings grant, and no others.
func TestArduino(t *testing.T) {
	out := t.TempDir()
	if text, err := exec.Command("make", "-C", "../ports/arduino", "OUT="+out, "sketches").CombinedOutput(); err != nil {
		t.Fatalf("make (make micro-deps installs the compilers): %v\n%.4000s", err, text)
	}
	image := filepath.Join(out, "Polled.elf")
	sketch := exec.Command("../ports/arduino/sketch.sh", "sketch/Polled", image, "-DFESCUE_STORE_RAM")
	sketch.Env = append(sketch.Environ(), "FESCUE_LIBRARY="+filepath.Join(out, "Fescue"))
	if text, err := sketch.CombinedOutput(); err != nil {
		t.Fatalf("sketch.sh: %v\n%.4000s", err, text)
	}
	b := newBench(t)
	e := &emulator{t: t, args: []string{"qemu-system-avr", "-M", "mega2560", "-display", "none", "-monitor", "none",
		"-chardev", "socket,id=line,path=" + b.listen(plain), "-serial", "chardev:line", "-bios", image}}
	t.Cleanup(e.kill)
	e.start()
	board := b.board()
	if want := micro.HostState | micro.HostGPIO | micro.HostADC; board.Facts.Host != want {
		t.Errorf("it offers %v, want %v", board.Facts.Host, want)
	}
	scenario(b, board)
	b.must(b.install(board, micro.Module{Code: module(t, "tally"), Version: "5.1.0"}))
	b.wantReply(board, "", "\x01\x00\x00\x00")
	b.wantReply(board, "", "\x02\x00\x00\x00")
	b.must(b.install(board, micro.Module{Code: module(t, "pins"), Version: "6.0.0", Settings: "publish=x\ngpio=13\nadc=*"}))
	b.wantReply(board, "", "\x00\x00\x00\x00\xfc\xff\xff\xff") // 0, and -4: denied
}
