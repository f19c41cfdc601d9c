package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

func mosquittoPath() string {
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// mqtt is one process's connection: MQTT 3.1.1, QoS 0, as little as it takes.
// Both ends are in this process, each on its own connection and thread, which
// favours mosquitto: there is one process less to switch to.
type mqtt struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

type mosquitto struct {
	near, far *mqtt
	broker    *exec.Cmd
	dir       string
	ended     chan error
}

func startMosquitto(size int, o options) (runner, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "m.sock")
	conf := filepath.Join(dir, "m.conf")
	text := "listener 0 " + socket + "\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\nlog_type error\n"
	if os.Geteuid() == 0 {
		text += "user root\n" // it would give up being root, and with it the directory
	}
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(mosquittoPath(), "-c", conf)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	m := &mosquitto{broker: cmd, dir: dir, ended: make(chan error, 1)}
	if m.near, err = dialMQTT(socket, "near", pongTopic); err != nil {
		return nil, err
	}
	if m.far, err = dialMQTT(socket, "far", "bench/+"); err != nil {
		return nil, err
	}
	_, messages := amounts(size, o)
	go func() { m.ended <- m.far.serve(size, messages) }()
	return m, nil
}

func dialMQTT(socket, id, filter string) (*mqtt, error) {
	var conn net.Conn
	var err error
	for range 200 { // until it listens
		if conn, err = net.Dial("unix", socket); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return nil, err
	}
	m := &mqtt{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	hello := append([]byte{0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0}, text(id)...)
	subscribe := append(append([]byte{0, 1}, text(filter)...), 0)
	if _, err := conn.Write(append(packet(0x10, hello), packet(0x82, subscribe)...)); err != nil {
		return nil, err
	}
	for range 2 { // CONNACK, SUBACK
		if _, err := m.next(); err != nil {
			return nil, err
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

func (m *mqtt) append(b []byte, topic string, payload []byte) []byte {
	b = append(b, 0x30)
	b = binary.AppendUvarint(b, uint64(2+len(topic)+len(payload)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(topic)))
	return append(append(b, topic...), payload...)
}

// next returns the body of the next packet.
func (m *mqtt) next() ([]byte, error) {
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

func (m *mqtt) message() (topic string, payload []byte, err error) {
	b, err := m.next()
	if err != nil || len(b) < 2 {
		return "", nil, errors.Join(err, io.EOF)
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	switch string(b[2:n]) {
	case pingTopic:
		topic = pingTopic
	case flowTopic:
		topic = flowTopic
	}
	return topic, b[n:], nil
}

func (m *mqtt) serve(size, messages int) error {
	runtime.LockOSThread()
	answer := make([]byte, 16)
	var out []byte
	count := uint64(0)
	for {
		topic, p, err := m.message()
		if err != nil {
			return nil
		}
		switch topic {
		case pingTopic:
			out = m.append(out[:0], pongTopic, p)
		case flowTopic:
			if err := verify(p, size, count); err != nil {
				return err
			}
			if count++; count < uint64(messages) {
				continue
			}
			stamp(answer, count)
			out = m.append(out[:0], pongTopic, answer)
		default:
			continue
		}
		if _, err := m.conn.Write(out); err != nil {
			return err
		}
	}
}

func (m *mosquitto) roundTrips(n, size int) ([]time.Duration, error) {
	times := make([]time.Duration, n)
	p := make([]byte, size)
	var out []byte
	for i := range n {
		stamp(p, uint64(i))
		out = m.near.append(out[:0], pingTopic, p)
		start := time.Now()
		if _, err := m.near.conn.Write(out); err != nil {
			return nil, err
		}
		_, back, err := m.near.message()
		if err != nil {
			return nil, err
		}
		times[i] = time.Since(start)
		if err := verify(back, size, uint64(i)); err != nil {
			return nil, err
		}
	}
	return times, nil
}

func (m *mosquitto) oneWay(n, size int) (time.Duration, error) {
	p := make([]byte, size)
	var batch []byte
	start := time.Now()
	for i := range n {
		stamp(p, uint64(i))
		batch = m.near.append(batch, flowTopic, p)
		if len(batch) >= 64<<10 || i == n-1 {
			if _, err := m.near.conn.Write(batch); err != nil {
				return 0, err
			}
			batch = batch[:0]
		}
	}
	_, back, err := m.near.message()
	if err != nil {
		return 0, fmt.Errorf("%w (the other side: %v)", err, m.ended)
	}
	return time.Since(start), verify(back, 16, uint64(n))
}

func (m *mosquitto) close() {
	_ = m.near.conn.Close()
	_ = m.far.conn.Close()
	_ = m.broker.Process.Signal(syscall.SIGTERM)
	_ = m.broker.Wait()
	_ = os.RemoveAll(m.dir)
}
