package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

// crowd is many MQTT 3.1.1 clients, QoS 0. Client N subscribes to scale/mqtt/N and answers each
// message on scale/got/mqtt-N.
type crowd struct {
	address, user, password string
	conns                   []net.Conn
	serving                 sync.WaitGroup
}

// grow adds a client.
func (c *crowd) grow() error {
	n := len(c.conns)
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		return err
	}
	c.conns = append(c.conns, conn)
	const cleanLogin = 0xC2
	hello := append(text("MQTT"), 4, cleanLogin, 0, 0)
	hello = append(append(append(hello, text(fmt.Sprintf("scale-%d", n))...), text(c.user)...), text(c.password)...)
	subscribe := append(append([]byte{0, 1}, text(fmt.Sprintf("scale/mqtt/%d", n))...), 0)
	if _, err := conn.Write(append(packet(0x10, hello), packet(0x82, subscribe)...)); err != nil {
		return err
	}
	in := bufio.NewReaderSize(conn, 512)
	if connack, err := next(in); err != nil || len(connack) != 2 || connack[1] != 0 {
		return fmt.Errorf("MQTT client %d: CONNACK %x, %w", n, connack, err)
	}
	if suback, err := next(in); err != nil || len(suback) != 3 || suback[2] > 2 {
		return fmt.Errorf("MQTT client %d: SUBACK %x, %w", n, suback, err)
	}
	c.serving.Go(func() { serve(conn, in, fmt.Sprintf("scale/got/mqtt-%d", n)) })
	return nil
}

// serve answers until the connection ends.
func serve(conn net.Conn, in *bufio.Reader, topic string) {
	for {
		body, err := next(in)
		if err != nil || len(body) < 2 {
			return
		}
		payload := body[2+int(binary.BigEndian.Uint16(body)):]
		if _, err := conn.Write(packet(0x30, append(text(topic), payload...))); err != nil {
			return
		}
	}
}

func (c *crowd) leave() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.serving.Wait()
}

func text(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

func packet(kind byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{kind}, uint64(len(body))), body...)
}

// next is the body of the next packet.
func next(in *bufio.Reader) ([]byte, error) {
	if _, err := in.ReadByte(); err != nil {
		return nil, err
	}
	n, err := binary.ReadUvarint(in)
	if err != nil || n > 1<<16 {
		return nil, fmt.Errorf("a packet of %d bytes, %w", n, err)
	}
	body := make([]byte, n)
	_, err = io.ReadFull(in, body)
	return body, err
}
