package test

import (
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"time"

	"fescue.dev/fescue/device/micro"
)

// ask gives the emulator's monitor a command, and what it says.
func (e *emulator) ask(command string) string {
	e.t.Helper()
	c, err := net.Dial("unix", e.path)
	if err != nil {
		e.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	said := ""
	read := func() {
		for b := make([]byte, 256); !strings.HasSuffix(said, "(qemu) "); {
			n, err := c.Read(b)
			if err != nil {
				e.t.Fatalf("the monitor says %q, then %v", said, err)
			}
			said += string(b[:n])
		}
	}
	read()
	said = ""
	if _, err := fmt.Fprintln(c, command); err != nil {
		e.t.Fatal(err)
	}
	read()
	return said
}

// wired is where a board's pins are seen from outside: an output, the register of its level
// and the bit there; and an input, with what presses it.
var wired = map[string]struct {
	out, in  byte
	register string
	bit      uint32
	inMode   byte
	press    string
}{
	"mps2-an385":  {out: 1, register: "0x40028000", bit: 2, in: 2},
	"lm3s6965evb": {out: 40, register: "0x400253fc", bit: 1, in: 32, inMode: 2, press: "sendkey up"},
	"versatilepb": {out: 3, register: "0x101e43fc", bit: 8, in: 12},
}

// pins: a function sets and reads the pins that it was granted, and no others.
func pins(b *bench, e *emulator, board *micro.Board, name string) {
	t := b.t
	w, has := wired[name]
	b.must(b.install(board, micro.Module{Code: module(t, "gpio"), Version: "5.3.0", Settings: fmt.Sprintf("gpio=%d\ngpio=%d\nadc=*", w.out, w.in)}))
	code := func(command ...byte) int32 {
		got, err := b.invoke(board, string(command))
		b.must(err)
		return int32(binary.LittleEndian.Uint32([]byte(got)))
	}
	want := func(what int32, command ...byte) {
		t.Helper()
		if got := code(command...); got != what {
			t.Errorf("%c of pin %d: %d, want %d", command[0], command[1], got, what)
		}
	}
	if !has {
		want(-13, 'w', 0, 1)
		return
	}
	want(-4, 'w', w.out+2, 1)
	want(-13, 'a', 0, 0)
	want(0, 'm', w.out, 1)
	for _, level := range []byte{1, 0, 1} {
		want(0, 'w', w.out, level)
		want(int32(level), 'r', w.out, 0)
		said := e.ask("xp /1wx " + w.register)
		_, value, _ := strings.Cut(said, ": ")
		var register uint32
		if _, err := fmt.Sscanf(value, "0x%x", &register); err != nil || (register&w.bit != 0) != (level == 1) {
			t.Errorf("pin %d at %d: the register is %q", w.out, level, said)
		}
	}
	want(0, 'm', w.in, w.inMode)
	if w.press == "" {
		want(0, 'r', w.in, 0)
		return
	}
	// The emulator tells a button's level when it changes, and so at first by its release.
	for _, press := range []struct {
		milliseconds int
		level        int32
	}{{1, 1}, {60000, 0}} {
		e.ask(fmt.Sprint(w.press, " ", press.milliseconds))
		for end := time.Now().Add(patience); code('r', w.in, 0) != press.level; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("pin %d does not see the button: not %d", w.in, press.level)
			}
		}
	}
}
