package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// mqtt is a connection that speaks MQTT 3.1.1 with QoS 0, as little as it takes.
type mqtt struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

// dialMQTT connects and subscribes; user "" is nobody.
func dialMQTT(address, user, password, filter string) (*mqtt, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	m := &mqtt{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	flags := byte(2)
	hello := text(fmt.Sprintf("bench%d", time.Now().UnixNano()))
	if user != "" {
		flags |= 0xC0
		hello = append(append(hello, text(user)...), text(password)...)
	}
	connect := append([]byte{0, 4, 'M', 'Q', 'T', 'T', 4, flags, 0, 0}, hello...)
	subscribe := append(append([]byte{0, 1}, text(filter)...), 0)
	if _, err := conn.Write(append(packet(0x10, connect), packet(0x82, subscribe)...)); err != nil {
		return nil, err
	}
	for _, want := range []byte{0x20, 0x90} { // CONNACK, SUBACK
		kind, body, err := m.next()
		if err != nil {
			return nil, err
		}
		if kind != want || len(body) == 0 || body[len(body)-1] != 0 {
			return nil, fmt.Errorf("the broker answered %#x % x", kind, body)
		}
	}
	return m, nil
}

func text(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

func packet(kind byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{kind}, uint64(len(body))), body...)
}

func appendPublish(b []byte, topic string, payload []byte) []byte {
	b = append(b, 0x30)
	b = binary.AppendUvarint(b, uint64(2+len(topic)+len(payload)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(topic)))
	return append(append(b, topic...), payload...)
}

// next is the next packet; its body is good until the one after.
func (m *mqtt) next() (kind byte, body []byte, err error) {
	if kind, err = m.in.ReadByte(); err != nil {
		return 0, nil, err
	}
	n, err := binary.ReadUvarint(m.in)
	if err != nil {
		return 0, nil, err
	}
	if int(n) > cap(m.body) {
		m.body = make([]byte, n)
	}
	m.body = m.body[:n]
	_, err = io.ReadFull(m.in, m.body)
	return kind, m.body, err
}

// send publishes several payloads at once.
func (m *mqtt) send(topic string, payloads [][]byte) error {
	var b []byte
	for _, p := range payloads {
		b = appendPublish(b, topic, p)
	}
	_, err := m.conn.Write(b)
	return err
}

// receive waits for at least one message and gives all that have come.
func (m *mqtt) receive(take func(payload []byte) error) error {
	for first := true; first || m.in.Buffered() > 4; first = false {
		kind, b, err := m.next()
		if err != nil {
			return err
		}
		if kind&0xF0 != 0x30 {
			continue
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		if err := take(b[n:]); err != nil {
			return err
		}
	}
	return nil
}

func (m *mqtt) close() { _ = m.conn.Close() } // nothing is lost

func (m *mqtt) patience(d time.Duration) { _ = m.conn.SetReadDeadline(time.Now().Add(d)) } // it is open
