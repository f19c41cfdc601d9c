package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// mqttLink is MQTT 3.1.1 with QoS 0, as little as it takes, written in batches: what a broker
// can do at best.
type mqttLink struct {
	conn    net.Conn
	in      *bufio.Reader
	out     string
	pending []byte
	body    []byte
}

// dialMQTT connects to a path, or HOST:PORT, and subscribes.
func dialMQTT(address, out, in string) (*mqttLink, error) {
	network := "tcp" // Go's have TCP_NODELAY
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	m := &mqttLink{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), out: out}
	subscribe := append(append([]byte{0, 1}, mqttText(in)...), 0)
	if _, err := conn.Write(append(mqttPacket(0x10, mqttHello(out)), mqttPacket(0x82, subscribe)...)); err != nil {
		return nil, err
	}
	connack, err := m.packet()
	if err != nil || len(connack) != 2 || connack[1] != 0 {
		return nil, fmt.Errorf("CONNACK %x, %w", connack, err)
	}
	suback, err := m.packet()
	if err != nil || len(suback) != 3 || suback[2] > 2 {
		return nil, fmt.Errorf("SUBACK %x, %w", suback, err)
	}
	return m, nil
}

// mqttHello is the body of CONNECT: a clean session, with a login if the environment has one.
func mqttHello(id string) []byte {
	const clean, login = 2, 0xC0
	user := os.Getenv(userVariable)
	flags := byte(clean)
	if user != "" {
		flags |= login
	}
	b := append(mqttText("MQTT"), 4, flags, 0, 0)
	b = append(b, mqttText(strings.ReplaceAll(id, "/", "-"))...)
	if user != "" {
		b = append(append(b, mqttText(user)...), mqttText(os.Getenv(passwordVariable))...)
	}
	return b
}

func mqttText(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

func mqttPacket(kind byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{kind}, uint64(len(body))), body...)
}

// packet returns the body of the next packet.
func (m *mqttLink) packet() ([]byte, error) {
	if _, err := m.in.ReadByte(); err != nil {
		return nil, err
	}
	n, err := binary.ReadUvarint(m.in)
	if err != nil {
		return nil, err
	}
	if int(n) > cap(m.body) {
		m.body = make([]byte, n)
	}
	m.body = m.body[:n]
	_, err = io.ReadFull(m.in, m.body)
	return m.body, err
}

func (m *mqttLink) send(message []byte) error {
	m.pending = append(m.pending, 0x30)
	m.pending = binary.AppendUvarint(m.pending, uint64(2+len(m.out)+len(message)))
	m.pending = append(append(m.pending, mqttText(m.out)...), message...)
	if len(m.pending) < 64<<10 {
		return nil
	}
	return m.flush()
}

func (m *mqttLink) flush() error {
	_, err := m.conn.Write(m.pending)
	m.pending = m.pending[:0]
	return err
}

func (m *mqttLink) next() ([]byte, error) {
	b, err := m.packet()
	if err != nil || len(b) < 2 {
		return nil, errors.Join(err, io.ErrUnexpectedEOF)
	}
	return b[2+int(binary.BigEndian.Uint16(b)):], nil
}

func (m *mqttLink) window() int { return 256 << 10 }

// listening waits until somebody listens at a path.
func listening(ctx context.Context, path string) error {
	for {
		conn, err := net.Dial("unix", path)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nobody listens at %s: %w", path, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
