package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/spec"
)

// startMega starts an Arduino Mega.
func startMega(t testing.TB, path string, k keys) *emulator {
	t.Helper()
	return startAVR(t, "mega2560", "mega-ram", path, k)
}

// startAVR builds a firmware and starts it. The emulator has no EEPROM; functions are in
// memory there.
func startAVR(t testing.TB, machine, firmware, path string, k keys) *emulator {
	t.Helper()
	out := filepath.Join(t.TempDir(), "avr")
	args := []string{"-C", "../ports/avr", "OUT=" + out, filepath.Join(out, firmware+".elf")}
	if k.key != "" {
		header := filepath.Join(t.TempDir(), "device_key.h")
		if err := os.WriteFile(header, []byte(keyHeader(k)), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "KEY="+header)
	}
	if text, err := exec.Command("make", args...).CombinedOutput(); err != nil {
		t.Fatalf("make (make micro-deps installs the compilers): %v\n%.4000s", err, text)
	}
	e := &emulator{t: t, args: []string{"qemu-system-avr", "-M", machine, "-display", "none", "-monitor", "none",
		"-chardev", "socket,id=line,path=" + path, "-serial", "chardev:line", "-bios", filepath.Join(out, firmware+".elf")}}
	t.Cleanup(e.kill)
	e.start()
	return e
}

// keyHeader is what `fescue micro provision --header` prints, of any key.
func keyHeader(k keys) string {
	text := "#define FESCUE_DEVICE \"" + k.device + "\"\n" + keyMacro("FESCUE_KEY", k.key)
	if k.sign != "" {
		text += keyMacro("FESCUE_SIGN_KEY", k.sign)
	}
	return text
}

func keyMacro(name, key string) string {
	text := "#define " + name + " {"
	for i := 0; i < len(key); i += 2 {
		text += " 0x" + key[i:i+2] + ","
	}
	return text + " }\n"
}

// An Arduino Mega passes the scenario: pointers of 16 bits, 8 KiB of memory, one
// function. The emulator has no EEPROM; functions are in memory there.
func TestMega(t *testing.T) {
	b := newBench(t)
	startMega(t, b.listen(plain), keys{})
	board := b.board()
	if board.Facts.Platform != "micro/mega" || board.Facts.Module != 768 {
		t.Errorf("facts %+v", board.Facts)
	}
	inTable(t, board.Facts)
	scenario(b, board)
}

// An Arduino Uno has 32 KiB of flash and 2 KiB of memory, of which functions have 480
// bytes. In the emulator, which has no EEPROM, its one slot is in memory, too.
func TestUno(t *testing.T) {
	b := newBench(t)
	startAVR(t, "uno", "uno-ram", b.listen(plain), keys{})
	board := b.board()
	f := board.Facts
	f.Memory, f.Module, f.Slots = 480, 320, 2 // as of a real one
	inTable(t, f)
	for i, name := range []string{"echo", "twice", "echo"} {
		b.must(b.install(board, micro.Module{Code: tiny(t, name), Version: spec.Version(fmt.Sprintf("%d.0.0", i)), Memory: 64}))
		want := "hello"
		if name == "twice" {
			want = "hellohello"
		}
		b.wantReply(board, "hello", want)
	}
	b.must(b.install(board, micro.Module{Code: tiny(t, "loop"), Version: "4.0.0", Fuel: 20, Memory: 64}))
	b.wantFailure(board, "x", "fuel used up")
	b.wantFailure(board, "x", "unknown-function") // it had no version before
	b.must(b.install(board, micro.Module{Code: tiny(t, "echo"), Version: "5.0.0", Memory: 64}))
	b.wantReply(board, "again", "again")
}
