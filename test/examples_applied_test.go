package test

import (
	bits "encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// example copies an example, so that what a test makes in it is gone with the test.
func example(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("../examples", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A grey image becomes black and white at the level between its two greys, or at the one asked for; what is no
// image is refused.
func TestExampleImageThreshold(t *testing.T) {
	m := newMachine(t)
	m.must("deploy", "../examples/image-threshold")
	// 10 pixels a line, two lines: five dark, five bright.
	pixels := strings.Repeat(strings.Repeat("\x20", 5)+strings.Repeat("\xc8", 5), 2)
	image := "P5\n# a comment\n10 2\n255\n" + pixels
	status, body, _ := m.http("POST", "/threshold", image)
	if want := "\n10 2\n\xf8\x00\xf8\x00"; status != 200 || !strings.HasPrefix(body, "P4\n# level ") || !strings.HasSuffix(body, want) {
		t.Errorf("%d %q, want …%q", status, body, want)
	}
	if status, body, _ = m.http("POST", "/threshold?level=255", image); status != 200 || !strings.HasSuffix(body, "\n10 2\n\xff\xc0\xff\xc0") {
		t.Errorf("all black: %d %q", status, body)
	}
	if status, body, _ = m.http("POST", "/threshold", image[:len(image)-1]); status != 400 || !strings.Contains(body, "too early") {
		t.Errorf("cut off: %d %q", status, body)
	}
}

// meter is a simulated Modbus TCP device whose registers count up with each request.
func meter(t *testing.T) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for requests := uint16(0); ; requests++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serveMeter(c, requests)
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// serveMeter answers one request for holding registers; the first is refused.
func serveMeter(c net.Conn, requests uint16) {
	defer c.Close()
	request := make([]byte, 12)
	if _, err := io.ReadFull(c, request); err != nil || request[7] != 3 {
		return
	}
	n := bits.BigEndian.Uint16(request[10:])
	answer := append([]byte{}, request[:8]...)
	if requests == 0 {
		answer[7] |= 0x80 // busy
		answer = append(answer, 6)
	} else {
		answer = append(answer, byte(2*n))
		for i := range n {
			answer = bits.BigEndian.AppendUint16(answer, 2300+i+requests)
		}
	}
	bits.BigEndian.PutUint16(answer[4:], uint16(len(answer)-6))
	for _, part := range [][]byte{answer[:3], answer[3:]} { // as TCP may part it
		if _, err := c.Write(part); err != nil {
			return
		}
	}
}

// The poller asks by the clock, goes on after an error, and publishes what has changed; nothing but its
// device can be reached.
func TestExampleModbusPoller(t *testing.T) {
	m := newMachine(t)
	dir, port := example(t, "modbus-poller"), meter(t)
	file := filepath.Join(dir, "fescue.yaml")
	text := strings.ReplaceAll(readFile(t, file), "5020", port)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	m.must("deploy", dir)
	var reading struct{ Value float64 }
	for line := range strings.Lines(m.must("tail", "meter/voltage", "--count", "2", "-o", "json")) {
		var message struct{ Payload []byte }
		if err := json.Unmarshal([]byte(line), &message); err != nil {
			t.Fatal(err)
		}
		before := reading.Value
		if err := json.Unmarshal(message.Payload, &reading); err != nil || reading.Value < 230 || reading.Value <= before {
			t.Errorf("%s after %v: %v", message.Payload, before, err)
		}
	}
	m.eventually("the first answer was an error", func() error { return contains(m.cli("logs", "modbus-poller").stderr, "exception 6") })
}

// The model that the script makes classifies, with ONNX Runtime installed from a folder of wheels.
func TestExampleClassifier(t *testing.T) {
	wheels, err := filepath.Abs("../.tools/classifier-wheels")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(wheels); err != nil {
		t.Skip("there are no wheels: tools/deps.sh gets them")
	}
	dir := example(t, "classifier")
	train := exec.Command("python3", "train.py")
	train.Dir = dir
	if out, err := train.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.CopyFS(filepath.Join(dir, "wheels"), os.DirFS(wheels)); err != nil {
		t.Fatal(err)
	}
	m := newMachine(t)
	m.must("deploy", dir)
	for state, reading := range map[string][3]float64{"idle": {0.1, 24, 0.2}, "running": {1.1, 56, 4.1}, "worn": {3.1, 80, 5.4}} {
		data := fmt.Sprintf(`{"vibration": %v, "temperature": %v, "current": %v}`, reading[0], reading[1], reading[2])
		var answer struct {
			State       string
			Probability float64
		}
		out := m.must("invoke", "classifier", "--data", data)
		if err := json.Unmarshal([]byte(out), &answer); err != nil || answer.State != state || answer.Probability < 0.9 {
			t.Errorf("%s is classified as %s", data, out)
		}
	}
}
