package kept

import (
	"encoding/binary"
	"time"
)

// A record holds sequence (u64), time (u64, ms), lengths of message id, topic and
// publisher (u8, u16, u8), these, and the payload.
const recordHead = 20

var le = binary.LittleEndian

func encode(m Message, id string) []byte {
	b := make([]byte, recordHead, recordHead+len(id)+len(m.Topic)+len(m.From)+len(m.Payload))
	le.PutUint64(b, m.Sequence)
	le.PutUint64(b[8:], uint64(m.Time.UnixMilli()))
	b[16] = byte(len(id))
	le.PutUint16(b[17:], uint16(len(m.Topic)))
	b[19] = byte(len(m.From))
	b = append(b, id...)
	b = append(b, m.Topic...)
	b = append(b, m.From...)
	return append(b, m.Payload...)
}

// decode reads a record; its payload is a view. One that makes no sense has the
// sequence 0.
func decode(b []byte) (m Message, id string) {
	if len(b) < recordHead {
		return m, ""
	}
	idEnd := recordHead + int(b[16])
	topicEnd := idEnd + int(le.Uint16(b[17:]))
	fromEnd := topicEnd + int(b[19])
	if fromEnd > len(b) {
		return m, ""
	}
	return Message{
		Sequence: le.Uint64(b), Time: time.UnixMilli(int64(le.Uint64(b[8:]))),
		Topic: string(b[idEnd:topicEnd]), From: string(b[topicEnd:fromEnd]), Payload: b[fromEnd:],
	}, string(b[recordHead:idEnd])
}
