package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// startMega builds an Arduino Mega's firmware with a key ("": none) and starts it. The
// emulator has no EEPROM; functions are in memory there.
func startMega(t testing.TB, path, key, name string) *emulator {
	t.Helper()
	out := filepath.Join(t.TempDir(), "avr")
	args := []string{"-C", "../ports/avr", "OUT=" + out, filepath.Join(out, "mega-ram.elf")}
	if key != "" {
		header := filepath.Join(t.TempDir(), "device_key.h")
		if err := os.WriteFile(header, []byte(keyHeader(name, key)), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "KEY="+header)
	}
	if text, err := exec.Command("make", args...).CombinedOutput(); err != nil {
		t.Fatalf("make (make micro-deps installs the compilers): %v\n%.4000s", err, text)
	}
	e := &emulator{t: t, args: []string{"qemu-system-avr", "-M", "mega2560", "-display", "none", "-monitor", "none",
		"-chardev", "socket,id=line,path=" + path, "-serial", "chardev:line", "-bios", filepath.Join(out, "mega-ram.elf")}}
	t.Cleanup(e.kill)
	e.start()
	return e
}

// keyHeader is what `fescue micro provision --header` prints, of any key.
func keyHeader(name, key string) string {
	text := "#define FESCUE_DEVICE \"" + name + "\"\n#define FESCUE_KEY {"
	for i := 0; i < len(key); i += 2 {
		text += " 0x" + key[i:i+2] + ","
	}
	return text + " }\n"
}

// An Arduino Mega passes the scenario: pointers of 16 bits, 8 KiB of memory, one
// function. The emulator has no EEPROM; functions are in memory there.
func TestMega(t *testing.T) {
	b := newBench(t)
	startMega(t, b.listen(plain), "", "")
	board := b.board()
	if board.Facts.Platform != "micro/mega" || board.Facts.Module != 768 {
		t.Errorf("facts %+v", board.Facts)
	}
	inTable(t, board.Facts)
	scenario(b, board)
}
