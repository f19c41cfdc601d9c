package packet

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
)

// Sizes in bytes.
const (
	headSize  = 3
	crcSize   = 4
	tagSize   = 8
	trailSize = 4 + tagSize // of an authenticated packet: counter and tag
	openSize  = 12
	// KeySize is the length of a device's key.
	KeySize = 32
	// Overhead is what a packet has around its data, at most.
	Overhead = headSize + trailSize
)

type kind uint8

const (
	kindOpen   kind = 1
	kindOpened kind = 2
	kindData   kind = 3
	kindAck    kind = 4
	kindReset  kind = 5

	authenticated = 0x80
)

// Directions, as they enter the tag.
const (
	fromClient byte = 0
	fromBroker byte = 1
)

var le = binary.LittleEndian

// seal appends the packet of a kind. With a key, counter goes into it and a tag
// in place of the checksum.
func seal(k kind, sequence, next byte, data, key []byte, direction byte, counter uint32) []byte {
	p := make([]byte, 0, headSize+len(data)+trailSize)
	p = append(append(p, byte(k), sequence, next), data...)
	if key == nil {
		return le.AppendUint32(p, crc32.ChecksumIEEE(p))
	}
	p[0] |= authenticated
	p = le.AppendUint32(p, counter)
	return append(p, tag(key, direction, p)...)
}

func tag(key []byte, direction byte, packet []byte) []byte {
	return derive(key, []byte{direction}, packet)[:tagSize]
}

// derive is HMAC-SHA256 over parts.
func derive(key []byte, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

// opened is a packet that has been found whole.
type opened struct {
	kind           kind
	sequence, next byte
	data           []byte
	counter        uint32
}

// open checks a packet: its checksum without a key, its tag with one.
func open(p, key []byte, direction byte) (opened, bool) {
	trailer := crcSize
	if key != nil {
		trailer = trailSize
	}
	if len(p) < headSize+trailer || (key != nil) != (p[0]&authenticated != 0) {
		return opened{}, false
	}
	o := opened{kind: kind(p[0] & 0x0f), sequence: p[1], next: p[2], data: p[headSize : len(p)-trailer]}
	if key == nil {
		body := p[:len(p)-crcSize]
		return o, crc32.ChecksumIEEE(body) == le.Uint32(p[len(body):])
	}
	body := p[:len(p)-tagSize]
	o.counter = le.Uint32(body[len(body)-4:])
	return o, hmac.Equal(tag(key, direction, body), p[len(body):])
}

// greeting is the body of OPEN and OPENED.
type greeting struct {
	version, window byte
	maxData         uint16
	nonce           [8]byte
}

func (g greeting) bytes() []byte {
	b := append(make([]byte, 0, openSize), g.version, g.window)
	return append(le.AppendUint16(b, g.maxData), g.nonce[:]...)
}

func parseGreeting(b []byte) (greeting, bool) {
	if len(b) != openSize {
		return greeting{}, false
	}
	g := greeting{version: b[0], window: b[1], maxData: le.Uint16(b[2:])}
	copy(g.nonce[:], b[4:])
	return g, g.version == 1 && g.window >= 1 && g.window <= 64 && g.maxData > 0
}
