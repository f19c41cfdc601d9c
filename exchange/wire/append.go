package wire

import "encoding/binary"

var le = binary.LittleEndian

// Text is what the Append functions take for a topic or a text. Longer ones
// than 65,535 bytes, which a str16 cannot hold, are cut.
type Text interface{ ~string | ~[]byte }

// AppendHeader adds the header of a frame whose body has length bytes.
func AppendHeader(b []byte, t Type, id uint32, length int) []byte {
	return append(b, byte(length), byte(length>>8), byte(length>>16), byte(t),
		byte(id), byte(id>>8), byte(id>>16), byte(id>>24))
}

// PutHeader writes the same into the first 8 bytes of b.
func PutHeader(b []byte, t Type, id uint32, length int) {
	le.PutUint32(b, uint32(length)|uint32(t)<<24)
	le.PutUint32(b[4:], id)
}

func appendStr16[T Text](b []byte, s T) []byte {
	s = cut(s)
	b = append(b, byte(len(s)), byte(len(s)>>8))
	return append(b, s...)
}

func cut[T Text](s T) T {
	if len(s) > 65535 {
		return s[:65535]
	}
	return s
}

// finish writes the length of the frame that begins at start.
func finish(b []byte, start int) []byte {
	n := len(b) - start - HeaderSize
	b[start], b[start+1], b[start+2] = byte(n), byte(n>>8), byte(n>>16)
	return b
}

// AppendHello adds a client's greeting.
func AppendHello(b []byte, h HelloBody) []byte {
	start := len(b)
	b = AppendHeader(b, Hello, 0, 0)
	b = append(b, h.Lowest, h.Highest)
	b = le.AppendUint16(b, uint16(h.Capabilities))
	b = le.AppendUint32(b, h.MaxBody)
	b = appendStr16(b, h.Token)
	return finish(appendStr16(b, h.Client), start)
}

// AppendWelcome adds the broker's greeting.
func AppendWelcome(b []byte, w WelcomeBody) []byte {
	start := len(b)
	b = AppendHeader(b, Welcome, 0, 0)
	b = append(b, w.Version, 0)
	b = le.AppendUint16(b, uint16(w.Capabilities))
	b = le.AppendUint32(b, w.MaxBody)
	b = appendStr16(b, w.Application)
	return finish(appendStr16(b, w.Device), start)
}

// AppendError adds the refusal of the frame of type refused with this id.
func AppendError[T, U Text](b []byte, id uint32, code Code, refused Type, topic T, text U) []byte {
	start := len(b)
	b = AppendHeader(b, Error, id, 0)
	b = le.AppendUint16(b, uint16(code))
	b = append(b, byte(refused), 0)
	b = appendStr16(b, topic)
	return finish(appendStr16(b, text), start)
}

// AppendGoodbye adds the announcement that this side closes, and why.
func AppendGoodbye[T Text](b []byte, code Code, text T) []byte {
	text = cut(text)
	b = AppendHeader(b, Goodbye, 0, 4+len(text))
	b = le.AppendUint16(b, uint16(code))
	return appendStr16(b, text)
}

// AppendOK adds the grant of the frame of type granted with this id.
func AppendOK(b []byte, id uint32, granted Type) []byte {
	return append(AppendHeader(b, OK, id, 1), byte(granted))
}

// AppendPlain adds a frame whose body is bytes without structure, or nothing:
// PING, PONG, REGISTER, UNREGISTER, UNSUBSCRIBE, PUBLISH, REPLY, READY, RESULT,
// CANCEL, LOG.
func AppendPlain[T Text](b []byte, t Type, id uint32, body T) []byte {
	return append(AppendHeader(b, t, id, len(body)), body...)
}

// AppendSubscribe adds a subscription; queue is in messages, 0 the default.
func AppendSubscribe[T Text](b []byte, id uint32, p Policy, f Flags, queue uint16, filter T) []byte {
	b = AppendHeader(b, Subscribe, id, 4+len(filter))
	b = append(b, byte(p), byte(f), byte(queue), byte(queue>>8))
	return append(b, filter...)
}

// AppendTime adds the time, in milliseconds since 1970.
func AppendTime(b []byte, ms int64) []byte {
	return le.AppendUint64(AppendHeader(b, Time, 0, 8), uint64(ms))
}

// AppendPublish adds a message on a registered topic.
func AppendPublish(b []byte, topic uint32, payload []byte) []byte {
	return append(AppendHeader(b, Publish, topic, len(payload)), payload...)
}

// AppendPublishTo adds a message on a topic named in full.
func AppendPublishTo[T Text](b []byte, receipt uint32, topic T, payload []byte) []byte {
	return appendTopical(b, PublishTo, receipt, topic, payload)
}

// AppendMessage adds a message for a subscriber.
func AppendMessage[T Text](b []byte, subscription uint32, topic T, payload []byte) []byte {
	return appendTopical(b, Message, subscription, topic, payload)
}

func appendTopical[T Text](b []byte, t Type, id uint32, topic T, payload []byte) []byte {
	topic = cut(topic)
	b = AppendHeader(b, t, id, 2+len(topic)+len(payload))
	return append(appendStr16(b, topic), payload...)
}

// AppendRequest adds a request; timeout is in milliseconds.
func AppendRequest[T Text](b []byte, id, timeout uint32, topic T, payload []byte) []byte {
	topic = cut(topic)
	b = AppendHeader(b, Request, id, 6+len(topic)+len(payload))
	b = le.AppendUint32(b, timeout)
	return append(appendStr16(b, topic), payload...)
}

// AppendCall adds a request on its way to the subscriber that answers it.
func AppendCall[T Text](b []byte, id, subscription, timeout uint32, topic T, payload []byte) []byte {
	topic = cut(topic)
	b = AppendHeader(b, Call, id, 10+len(topic)+len(payload))
	b = le.AppendUint32(b, subscription)
	b = le.AppendUint32(b, timeout)
	return append(appendStr16(b, topic), payload...)
}

// Attribute is one of an event's, with CloudEvents' names.
type Attribute struct{ Name, Value string }

// MaxAttributes is how many attributes an INVOKE can carry; more are left out.
const MaxAttributes = 255

// AppendInvoke adds one event for a function; timeout is in milliseconds.
func AppendInvoke(b []byte, id, timeout uint32, attributes []Attribute, payload []byte) []byte {
	start := len(b)
	attributes = attributes[:min(len(attributes), MaxAttributes)]
	b = AppendHeader(b, Invoke, id, 0)
	b = le.AppendUint32(b, timeout)
	b = append(b, byte(len(attributes)))
	for _, a := range attributes {
		b = appendStr16(b, a.Name)
		b = appendStr16(b, a.Value)
	}
	return finish(append(b, payload...), start)
}

// AppendPart adds a piece of a result.
func AppendPart[T Text](b []byte, id uint32, head bool, data T) []byte {
	b = AppendHeader(b, Part, id, 1+len(data))
	if head {
		return append(append(b, 1), data...)
	}
	return append(append(b, 0), data...)
}

// AppendFailure adds a handler's exception.
func AppendFailure[T Text](b []byte, id uint32, kind, message, stack T) []byte {
	start := len(b)
	b = AppendHeader(b, Failure, id, 0)
	b = appendStr16(b, kind)
	b = appendStr16(b, message)
	return finish(append(b, stack...), start)
}
