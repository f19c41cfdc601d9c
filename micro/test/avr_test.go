package test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// An Arduino Mega passes the scenario: pointers of 16 bits, 8 KiB of memory, one
// function. The emulator has no EEPROM; functions are in memory there.
func TestMega(t *testing.T) {
	out := filepath.Join(scratch, "avr")
	if text, err := exec.Command("make", "-C", "../ports/avr", "OUT="+out).CombinedOutput(); err != nil {
		t.Fatalf("make (make micro-deps installs the compilers): %v\n%.4000s", err, text)
	}
	b := newBench(t)
	e := &emulator{t: t, args: []string{"qemu-system-avr", "-M", "mega2560", "-display", "none", "-monitor", "none",
		"-chardev", "socket,id=line,path=" + b.listen(plain), "-serial", "chardev:line", "-bios", filepath.Join(out, "mega-ram.elf")}}
	t.Cleanup(func() { e.kill() })
	e.start()
	board := b.board()
	if board.Facts.Platform != "micro/mega" || board.Facts.Module != 768 {
		t.Errorf("facts %+v", board.Facts)
	}
	inTable(t, board.Facts)
	scenario(b, board)
}
