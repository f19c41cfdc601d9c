package exchange_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"fescue.dev/fescue/spec"
)

// mqtt is just enough of an MQTT 3.1.1 client to see which topics nats-server
// makes of our subjects, and the reverse.
type mqtt struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dialMQTT(t *testing.T, address string) *mqtt {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	m := &mqtt{t: t, conn: conn, in: bufio.NewReader(conn)}
	hello := append([]byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0xc2, 0, 0}, mqttText("exchange-test")...)
	hello = append(append(hello, mqttText("anybody")...), mqttText("secret")...)
	m.send(0x10, hello)
	if kind, body := m.receive(); kind != 0x20 || body[1] != 0 {
		t.Fatalf("CONNACK %x %x", kind, body)
	}
	return m
}

func mqttText(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

func (m *mqtt) send(kind byte, body []byte) {
	m.t.Helper()
	if _, err := m.conn.Write(append(binary.AppendUvarint([]byte{kind}, uint64(len(body))), body...)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mqtt) receive() (byte, []byte) {
	m.t.Helper()
	kind, err := m.in.ReadByte()
	if err != nil {
		m.t.Fatal(err)
	}
	n, err := binary.ReadUvarint(m.in)
	if err != nil {
		m.t.Fatal(err)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(m.in, body); err != nil {
		m.t.Fatal(err)
	}
	return kind & 0xf0, body
}

func (m *mqtt) subscribe(filter string) {
	m.t.Helper()
	m.send(0x82, append(append([]byte{0, 1}, mqttText(filter)...), 0))
	if kind, body := m.receive(); kind != 0x90 || body[2] != 0 {
		m.t.Fatalf("SUBACK %x %x", kind, body)
	}
}

func (m *mqtt) publish(topic, payload string) {
	m.t.Helper()
	m.send(0x30, append(mqttText(topic), payload...))
}

func (m *mqtt) message() (topic, payload string) {
	m.t.Helper()
	kind, body := m.receive()
	if kind != 0x30 {
		m.t.Fatalf("packet %x %q", kind, body)
	}
	n := 2 + int(binary.BigEndian.Uint16(body))
	return string(body[2:n]), string(body[n:])
}

// TestTopicsAreThoseOfMQTT: MQTT clients of the embedded server see the topics
// that local clients use, and the reverse, however odd.
func TestTopicsAreThoseOfMQTT(t *testing.T) {
	b := bridge(t)
	agent := local(t, b.Broker, "")
	m := dialMQTT(t, b.fabric.Address("mqtt"))
	m.subscribe("#")
	got := receive(t, agent, "#")
	for _, topic := range []string{
		"a", "a/b", "/a", "a/", "/a/", "a//b", "/", "//", "a.b/c", ".", "..", "./a", "a/.", "a.", "küche/温度",
		"a*b", "a>b", ".//.", "a/./b", "///x///", "a.b.c/d.e", strings.Repeat("x/", 31) + "x",
	} {
		if err := agent.Publish(spec.Topic(topic), []byte("out")); err != nil {
			t.Fatal(err)
		}
		expect(t, got, topic, "out")
		if seen, payload := m.message(); seen != topic || payload != "out" {
			t.Errorf("an MQTT client sees %q %q, want %q", seen, payload, topic)
		}
		m.publish(topic, "in")
		expect(t, got, topic, "in")
		if seen, payload := m.message(); seen != topic || payload != "in" {
			t.Errorf("an MQTT client sees its own as %q %q, want %q", seen, payload, topic)
		}
	}
	// Exact subscriptions cross as well.
	for _, topic := range []string{"x.y/z", "/x", "x//"} {
		one := receive(t, agent, spec.Filter(topic))
		m.publish(topic, "exact")
		expect(t, one, topic, "exact")
		expect(t, got, topic, "exact")
		m.message()
	}
}
