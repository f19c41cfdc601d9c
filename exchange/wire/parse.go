package wire

import (
	"fmt"
	"iter"
)

// Frame is one frame as it was found in a stream. Body is a view.
type Frame struct {
	Type   Type
	ID     uint32
	Length int  // of the body, as the header states it
	Skip   bool // the body is over the reader's limit: Body is nil, the reader skips it
	Body   []byte
}

// FormatError says what is wrong with a frame that is not what the
// specification prescribes.
type FormatError struct {
	Type   Type
	Reason string
}

// Error names the frame's type and the fault.
func (e *FormatError) Error() string { return fmt.Sprintf("malformed %v: %s", e.Type, e.Reason) }

func (f Frame) bad(reason string) error { return &FormatError{f.Type, reason} }

// HelloBody is the body of HELLO.
type HelloBody struct {
	Lowest, Highest uint8 // versions
	Capabilities    Capabilities
	MaxBody         uint32
	Token, Client   []byte
}

// WelcomeBody is the body of WELCOME.
type WelcomeBody struct {
	Version             uint8
	Capabilities        Capabilities
	MaxBody             uint32
	Application, Device []byte
}

// ErrorBody is the body of ERROR.
type ErrorBody struct {
	Code    Code
	Refused Type
	Topic   []byte
	Text    []byte
}

// SubscribeBody is the body of SUBSCRIBE.
type SubscribeBody struct {
	Policy Policy
	Flags  Flags
	Queue  uint16
	Filter []byte
}

// TopicalBody is the body of PUBLISHTO, MESSAGE, REQUEST and CALL, as far as
// each has the field.
type TopicalBody struct {
	Subscription uint32 // CALL
	Timeout      uint32 // milliseconds: REQUEST, CALL
	Topic        []byte
	Payload      []byte
}

// FailureBody is the body of FAILURE.
type FailureBody struct{ Type, Message, Stack []byte }

// InvokeBody is the body of INVOKE.
type InvokeBody struct {
	Timeout    uint32 // milliseconds
	Count      int    // of attributes
	Payload    []byte
	attributes []byte
}

// Attributes goes through the event's attributes, names and values.
func (i InvokeBody) Attributes() iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		c := cursor{b: i.attributes}
		for range i.Count {
			if !yield(c.str16(), c.str16()) {
				return
			}
		}
	}
}

// cursor reads fields one after the other; short tells that one was cut off.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.short, c.b = true, nil
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) u8() uint8 {
	if v := c.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if v := c.take(2); v != nil {
		return le.Uint16(v)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if v := c.take(4); v != nil {
		return le.Uint32(v)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if v := c.take(8); v != nil {
		return le.Uint64(v)
	}
	return 0
}

func (c *cursor) str16() []byte { return c.take(int(c.u16())) }

const (
	shortBody = "its body is shorter than its fields"
	longBody  = "there are bytes after its last field"
	badID     = "its id is out of range"
	badFlags  = "it has unknown flags"
)

// whole is the error of a body that must end where the cursor stands.
func (f Frame) whole(c *cursor) error {
	if c.short {
		return f.bad(shortBody)
	}
	if len(c.b) > 0 {
		return f.bad(longBody)
	}
	return nil
}

// Hello reads a HELLO.
func (f Frame) Hello() (HelloBody, error) {
	c := cursor{b: f.Body}
	h := HelloBody{
		Lowest: c.u8(), Highest: c.u8(), Capabilities: Capabilities(c.u16()), MaxBody: c.u32(),
		Token: c.str16(), Client: c.str16(),
	}
	if err := f.whole(&c); err != nil {
		return h, err
	}
	if h.Lowest > h.Highest || h.Lowest == 0 {
		return h, f.bad("its versions are not a range")
	}
	if h.MaxBody < MinBody {
		return h, f.bad("it accepts bodies of less than 64 bytes only")
	}
	return h, nil
}

// Welcome reads a WELCOME.
func (f Frame) Welcome() (WelcomeBody, error) {
	c := cursor{b: f.Body}
	w := WelcomeBody{Version: c.u8()}
	c.u8()
	w.Capabilities, w.MaxBody = Capabilities(c.u16()), c.u32()
	w.Application, w.Device = c.str16(), c.str16()
	return w, f.whole(&c)
}

// Error reads an ERROR.
func (f Frame) Error() (ErrorBody, error) {
	c := cursor{b: f.Body}
	e := ErrorBody{Code: Code(c.u16()), Refused: Type(c.u8())}
	c.u8()
	e.Topic, e.Text = c.str16(), c.str16()
	return e, f.whole(&c)
}

// Goodbye reads a GOODBYE.
func (f Frame) Goodbye() (Code, []byte, error) {
	c := cursor{b: f.Body}
	code, text := Code(c.u16()), c.str16()
	return code, text, f.whole(&c)
}

// OK reads an OK: the type of the frame granted.
func (f Frame) OK() (Type, error) {
	c := cursor{b: f.Body}
	t := Type(c.u8())
	return t, f.whole(&c)
}

// Subscribe reads a SUBSCRIBE.
func (f Frame) Subscribe() (SubscribeBody, error) {
	c := cursor{b: f.Body}
	s := SubscribeBody{Policy: Policy(c.u8()), Flags: Flags(c.u8()), Queue: c.u16(), Filter: c.b}
	switch {
	case c.short:
		return s, f.bad(shortBody)
	case s.Policy > Block:
		return s, f.bad("its policy is unknown")
	case s.Flags > Answers|NoLocal|ByCredit:
		return s, f.bad(badFlags)
	}
	return s, f.shortID()
}

// Topical reads a PUBLISHTO, MESSAGE, REQUEST or CALL.
func (f Frame) Topical() (TopicalBody, error) {
	c := cursor{b: f.Body}
	var t TopicalBody
	if f.Type == Call {
		t.Subscription = c.u32()
	}
	if f.Type == Call || f.Type == Request {
		t.Timeout = c.u32()
	}
	t.Topic = c.str16()
	t.Payload = c.b
	if c.short {
		return t, f.bad(shortBody)
	}
	return t, nil
}

// Part reads a PART: a piece of a result, or, as the first, what the result says beside its body.
func (f Frame) Part() (head bool, data []byte, err error) {
	if len(f.Body) == 0 || f.Body[0] > 1 {
		return false, nil, f.bad("its flags are none")
	}
	if len(f.Body) > 1+MaxPart {
		return false, nil, f.bad("it has more than 65,536 bytes of data")
	}
	return f.Body[0] == 1, f.Body[1:], nil
}

// Invoke reads an INVOKE.
func (f Frame) Invoke() (InvokeBody, error) {
	c := cursor{b: f.Body}
	i := InvokeBody{Timeout: c.u32(), Count: int(c.u8())}
	i.attributes = c.b
	for range 2 * i.Count {
		c.str16()
	}
	i.Payload = c.b
	if c.short {
		return i, f.bad(shortBody)
	}
	return i, nil
}

// Failure reads a FAILURE.
func (f Frame) Failure() (FailureBody, error) {
	c := cursor{b: f.Body}
	b := FailureBody{Type: c.str16(), Message: c.str16()}
	b.Stack = c.b
	if c.short {
		return b, f.bad(shortBody)
	}
	return b, nil
}

// Empty is the error of a frame that should have no body and has one.
func (f Frame) Empty() error {
	if len(f.Body) > 0 {
		return f.bad(longBody)
	}
	return nil
}

// shortID is the error of a topic or subscription id outside 1 to 65,535.
func (f Frame) shortID() error {
	if f.ID == 0 || f.ID > MaxID {
		return f.bad(badID)
	}
	return nil
}
