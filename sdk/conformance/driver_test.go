package conformance_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fescue.dev/fescue/exchange/wire"
)

// patience bounds every wait; a driver's first start may compile it.
const patience = 90 * time.Second

const (
	token  = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	nobody = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

// program is the broker's, built once by TestMain.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "broker")
	build := exec.Command("go", "build", "-o", program, "./broker")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the broker: %v\n%s", err, out)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// grant is what the broker's options and commands call so.
type grant struct {
	Name      string   `json:"name"`
	Token     string   `json:"token"`
	Subscribe []string `json:"subscribe"`
	Publish   []string `json:"publish"`
	Keep      []keep   `json:"keep"`
}

type keep struct {
	Topic string `json:"topic"`
	Size  string `json:"size"`
	Full  string `json:"full"`
}

func usual() grant {
	own := []string{"t/#", "req/#", "kept/#"}
	return grant{Name: "app", Token: token, Subscribe: own, Publish: own,
		Keep: []keep{{Topic: "kept/#", Size: "1MiB", Full: "refuse"}, {Topic: "t/dead", Size: "1MiB", Full: "drop-oldest"}}}
}

// broker is the real one, in a process of its own; started again it has the same
// addresses.
type broker struct {
	t         *testing.T
	dir       string
	cmd       *exec.Cmd
	in        io.WriteCloser
	out       *bufio.Scanner
	addresses map[string]string
}

func newBroker(t *testing.T) *broker {
	dir, err := os.MkdirTemp("", "cx") // a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{t: t, dir: dir}
	t.Cleanup(func() {
		b.kill()
		_ = os.RemoveAll(dir)
	})
	b.start()
	return b
}

func (b *broker) start() {
	b.t.Helper()
	o := map[string]any{"dir": b.dir, "grants": []grant{usual()}}
	if again, ok := strings.CutPrefix(b.addresses["tcp"], "tcp:"); ok {
		o["tcp"] = again
	}
	options, err := json.Marshal(o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.cmd = exec.Command(program, string(options))
	b.in, err = b.cmd.StdinPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	b.out = bufio.NewScanner(out)
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.line(&b.addresses)
}

func (b *broker) line(into any) {
	b.t.Helper()
	if !b.out.Scan() {
		b.t.Fatal("the broker ended")
	}
	if err := json.Unmarshal(b.out.Bytes(), into); err != nil {
		b.t.Fatal(err)
	}
}

// do gives a command (see broker/commands.go) and returns the answer.
func (b *broker) do(command map[string]any) map[string]any {
	b.t.Helper()
	text, err := json.Marshal(command)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(b.in, "%s\n", text); err != nil {
		b.t.Fatal(err)
	}
	var answer map[string]any
	b.line(&answer)
	return answer
}

func (b *broker) kill() {
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
}

// capabilities are what the broker states in its WELCOME.
func (b *broker) capabilities() wire.Capabilities {
	b.t.Helper()
	conn, err := dial(b.addresses["unix"])
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nothing is to be kept
	hello := wire.AppendHello(nil, wire.HelloBody{Lowest: 1, Highest: 1, MaxBody: 1024, Token: []byte(token)})
	if _, err := conn.Write(hello); err != nil {
		b.t.Fatal(err)
	}
	f, err := wire.NewReader(conn, 4096).Next()
	if err != nil {
		b.t.Fatal(err)
	}
	w, err := f.Welcome()
	if err != nil {
		b.t.Fatal(err)
	}
	return w.Capabilities
}

// driver is an SDK's, under test.
type driver struct {
	t       *testing.T
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan string
	events  chan string
	ended   chan struct{}
}

// start runs a driver with an environment; it is killed with the test.
func (c client) start(t *testing.T, address, token string) *driver {
	t.Helper()
	d := &driver{t: t, cmd: exec.Command(c.program), answers: make(chan string, 16), events: make(chan string, 1<<17), ended: make(chan struct{})}
	d.cmd.Env = append(os.Environ(), "FESCUE_EXCHANGE="+address, "FESCUE_TOKEN="+token)
	d.cmd.Stderr = t.Output()
	var err error
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go d.read(out)
	t.Cleanup(func() {
		_ = d.cmd.Process.Kill()
		<-d.ended
		_ = d.cmd.Wait()
	})
	return d
}

func (d *driver) read(out io.Reader) {
	defer close(d.ended)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<23)
	for lines.Scan() {
		line := lines.Text()
		switch word, _, _ := strings.Cut(line, " "); word {
		case "ok", "error":
			d.answers <- line
		case "connection": // optional
		default:
			d.events <- line
		}
	}
}

// try gives a command and returns its answer.
func (d *driver) try(words ...any) string {
	d.t.Helper()
	command := strings.TrimSuffix(fmt.Sprintln(words...), "\n")
	if _, err := fmt.Fprintln(d.in, command); err != nil {
		d.t.Fatalf("%.60s: %v", command, err)
	}
	select {
	case a := <-d.answers:
		return a
	case <-d.ended:
		d.t.Fatalf("the driver ended at: %.60s", command)
	case <-time.After(patience):
		d.t.Fatalf("no answer within %v to: %.60s", patience, command)
	}
	return ""
}

// do gives a command that must succeed, and returns what follows "ok".
func (d *driver) do(words ...any) string {
	d.t.Helper()
	a := d.try(words...)
	if strings.HasPrefix(a, "error") {
		d.t.Fatalf("%.60s: %s", fmt.Sprintln(words...), a)
	}
	return strings.TrimPrefix(strings.TrimPrefix(a, "ok"), " ")
}

// refused gives a command that must fail with an error of this name.
func (d *driver) refused(name string, words ...any) {
	d.t.Helper()
	a := d.try(words...)
	if got, _, _ := strings.Cut(strings.TrimPrefix(a, "error "), " "); got != name {
		d.t.Fatalf("%.60s: %.200q, want error %s", fmt.Sprintln(words...), a, name)
	}
}

// pause stops the driver's process, and goOn lets it run again.
func (d *driver) pause() { d.signal(syscall.SIGSTOP) }
func (d *driver) goOn()  { d.signal(syscall.SIGCONT) }

func (d *driver) signal(s syscall.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Fatal(err)
	}
}

// next is the next event.
func (d *driver) next() string {
	d.t.Helper()
	select {
	case e := <-d.events:
		return e
	case <-time.After(patience):
		d.t.Fatalf("no event within %v", patience)
	}
	return ""
}

// hears wants these events, in order.
func (d *driver) hears(events ...string) {
	d.t.Helper()
	for _, want := range events {
		if got := d.next(); got != want {
			d.t.Fatalf("event %.200q, want %.200q", got, want)
		}
	}
}

// until is the first event that begins so; others before it are passed over.
func (d *driver) until(prefix string) string {
	d.t.Helper()
	for {
		if e := d.next(); strings.HasPrefix(e, prefix) {
			return e
		}
	}
}
