package test

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/spec"
)

// board is an emulated microcontroller behind a real gateway, with a proxy between.
type board struct {
	*fescue
	t       testing.TB
	name    string // of its device, and of its only application
	proxy   *proxy
	start   func(key string) *emulator
	signer  ed25519.PrivateKey // of its modules
	lasting bool               // its flash outlasts it
	version int
}

// Behind one gateway, every emulated board is enrolled, deployed to, called, and goes
// through all that a line, a function and a power supply can do to it.
func TestGateway(t *testing.T) {
	f := newFescue(t)
	dir := t.TempDir()
	platforms := []string{"mps2-an385", "versatilepb", "rv32-virt", "mega"}
	var lines []string
	for _, p := range platforms {
		lines = append(lines, "--micro", "unix:"+filepath.Join(dir, p))
	}
	f.up(lines...)
	turn := make(chan struct{}, 2) // emulators take a processor each
	t.Run("boards", func(t *testing.T) {
		for _, p := range platforms {
			t.Run(p, func(t *testing.T) {
				t.Parallel()
				turn <- struct{}{}
				defer func() { <-turn }()
				own := *f
				own.t = t
				b := &board{fescue: &own, t: t, name: "board-" + p, proxy: startProxy(t, filepath.Join(dir, p)), lasting: p != "mega"}
				b.start = b.emulator(p)
				b.life()
			})
		}
	})
}

// emulator gives what starts the board with a key.
func (b *board) emulator(platform string) func(key string) *emulator {
	flash := filepath.Join(b.t.TempDir(), "flash")
	return func(key string) *emulator {
		k := keys{b.name, key, publicOf(b.signer)}
		if platform == "mega" {
			return startMega(b.t, b.proxy.path, k)
		}
		return startEmulator(b.t, platform, b.proxy.path, flash, k)
	}
}

func (b *board) life() {
	key := b.provision()
	wrong := b.start(strings.Repeat("5a", 32))
	b.refused()
	wrong.kill()
	e := b.start(key)
	b.until(" true", "micro", "info", b.name)

	b.deploy("echo", 0)
	b.answers("hello", "hello")
	b.roots()
	b.noisy()
	b.replayed()
	b.traps()
	b.unsigned()
	if b.lasting {
		b.interrupted(e)
	}
}

// provision enrols the board, and gives its key.
func (b *board) provision() string {
	b.t.Helper()
	pem := filepath.Join(b.t.TempDir(), "sign.pem")
	key, _, _ := strings.Cut(b.must("micro", "provision", b.name, "--sign-key", pem), "\n")
	var err error
	if b.signer, err = micro.SigningKey(pem); err != nil {
		b.t.Fatal(err)
	}
	return key
}

// refused waits until the gateway has seen a board whose key is wrong.
func (b *board) refused() {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		log, err := os.ReadFile(b.log)
		if err == nil && strings.Contains(string(log), "packets that no enrolled board's key fits") && strings.Contains(string(log), filepath.Base(b.proxy.gateway)) {
			return
		}
	}
	b.t.Error("a board with a wrong key was not refused")
}

// folder is the application's next version; size pads its module.
func (b *board) folder(code string, size int) string {
	b.t.Helper()
	b.version++
	dir := application(b.t, b.name, string(b.current()), code,
		"triggers:\n  - topic: "+b.name+"/in\nresources:\n  publish: [poly/roots]\nlimits: {timeout: 1s}\n")
	if size > 0 {
		if err := os.WriteFile(filepath.Join(dir, "f.wasm"), padded(module(b.t, code), size), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	b.signature(dir, b.signer, b.current())
	return dir
}

func (b *board) current() spec.Version { return spec.Version(fmt.Sprintf("1.0.%d", b.version)) }

func (b *board) deploy(code string, size int) {
	b.t.Helper()
	b.must("deploy", b.folder(code, size), "--device", b.name)
}

func (b *board) invoke(payload string) (string, error) {
	out, err := b.api().Invoke(b.t.Context(), spec.Name(b.name), []byte(payload), client.InvokeOptions{Device: spec.DeviceID(b.name), Timeout: patience})
	return string(out), err
}

func (b *board) answers(payload, want string) {
	b.t.Helper()
	if got, err := b.invoke(payload); err != nil || got != want {
		b.t.Fatalf("invoke %q: %q, %v; want %q", payload, got, err, want)
	}
}

func (b *board) fails(payload, want string) {
	b.t.Helper()
	if got, err := b.invoke(payload); err == nil || !strings.Contains(err.Error(), want) {
		b.t.Fatalf("invoke: %q, %v; want a failure with %q", got, err, want)
	}
}

// roots: what the function publishes reaches subscribers on the gateway.
func (b *board) roots() {
	b.t.Helper()
	b.deploy("roots", 0)
	tail := exec.Command(b.program, "--state", b.state, "tail", "poly/roots", "--device", "gateway", "-o", "json")
	out, err := tail.StdoutPipe()
	if err == nil {
		err = tail.Start()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = tail.Process.Kill(); _ = tail.Wait() }()
	var c [8]byte
	p := int32(-1000 * int32(5+len(b.name))) // each board's roots are its own
	binary.LittleEndian.PutUint32(c[:], uint32(p))
	binary.LittleEndian.PutUint32(c[4:], uint32(-p-1000)) // x² + px − p − 1 has the root 1
	want := fmt.Sprintf("1000 %d", -p-1000)
	got := make(chan string)
	go func() {
		for messages := json.NewDecoder(out); ; {
			var m struct{ Payload []byte }
			if messages.Decode(&m) != nil {
				return
			}
			got <- string(m.Payload)
		}
	}()
	b.answers(string(c[:]), "")
	for deadline, again := time.After(patience), time.NewTicker(time.Second); ; {
		select {
		case text := <-got:
			if text == want {
				b.fails("12345678", "no real roots")
				return
			}
		case <-again.C: // the subscription may have come too late
			b.answers(string(c[:]), "")
		case <-deadline:
			b.t.Fatalf("%q is not published", want)
		}
	}
}

// noisy: a line that drops and garbles is slow, and nothing else.
func (b *board) noisy() {
	b.t.Helper()
	faults := 0
	b.proxy.set(noise(&faults))
	b.deploy("twice", 0)
	for i := range 15 {
		b.answers(fmt.Sprint("call ", i, " "), fmt.Sprint("call ", i, " call ", i, " "))
	}
	b.proxy.set(pass)
	if faults == 0 {
		b.t.Error("the line was not noisy")
	}
}

// replayed: what somebody has recorded and sends again changes nothing.
func (b *board) replayed() {
	b.t.Helper()
	repeated := 0
	b.proxy.set(replay(&repeated))
	for range 5 {
		b.answers("ab", "abab")
	}
	b.proxy.set(pass)
	if repeated < 20 {
		b.t.Errorf("%d packets were repeated", repeated)
	}
}

// traps: an endless loop ends by its fuel, and as the first event of a new version brings
// the old one back; a wild pointer traps.
func (b *board) traps() {
	b.t.Helper()
	b.deploy("loop", 0)
	b.fails("x", "fuel used up")
	b.answers("ab", "abab")
	b.deploy("wild", 0)
	b.answers("", "")
	b.fails("\xf0\xff\xff\xff", "memory access out of bounds")
	b.answers("", "")
}

// interrupted: the line breaks in the middle of an upload, and the emulator is killed;
// when it is back, the old version answers and the upload goes on where it was.
func (b *board) interrupted(e *emulator) {
	b.t.Helper()
	b.deploy("echo", 0)
	seen := b.monitor(b.name)
	for watching := false; !watching; { // until it has connected
		b.answers("old", "old")
		select {
		case <-seen:
			watching = true
		case <-time.After(100 * time.Millisecond):
		}
	}
	const size, limit = 6000, 3000
	sent, full := 0, make(chan struct{})
	b.proxy.set(cut(limit, &sent, full))
	b.must("deploy", b.folder("twice", size), "--device", b.name, "--no-wait")
	select {
	case <-full:
	case <-time.After(patience):
		b.t.Fatal("the upload does not come to the cut")
	}
	e.kill()
	b.proxy.set(pass)
	e.start()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		got, err := b.invoke("ab")
		if err == nil && got == "abab" {
			break
		}
		if err == nil && got != "ab" || time.Now().After(end) {
			b.t.Fatalf("after the interruption: %q, %v", got, err)
		}
	}
	sees(b.t, seen, "gone", "")
	for deadline := time.After(patience); ; {
		select {
		case s := <-seen:
			if s.Frame == "ACCEPT" {
				if s.Text == "from byte 0" {
					b.t.Errorf("the upload began anew, though some %d bytes of %d were there", limit, size)
				}
				return
			}
		case <-deadline:
			b.t.Fatal("the upload is not seen")
		}
	}
}
