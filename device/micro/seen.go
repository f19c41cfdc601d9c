package micro

import (
	"fmt"
	"strings"
	"time"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/spec"
)

// Seen is one thing that happened on a board's line: a frame, or what Frame says in
// small letters (a session's begin and end, the console's lines).
type Seen struct {
	Time   time.Time     `json:"time"`
	Device spec.DeviceID `json:"device,omitempty"`
	Sent   bool          `json:"sent,omitempty"` // by the gateway
	Frame  string        `json:"frame"`
	ID     uint32        `json:"id,omitempty"`
	Size   int           `json:"size,omitempty"` // bytes of the frame
	Text   string        `json:"text,omitempty"` // of what is in it
}

func (b *Board) seen(sent bool, f wire.Frame) {
	if b.events.Frame != nil {
		name := f.Type.String()
		if f.Type == wire.Time {
			name = "TIME"
		}
		b.events.Frame(Seen{Time: time.Now().UTC(), Sent: sent, Frame: name, ID: f.ID, Size: wire.HeaderSize + len(f.Body), Text: describe(f)})
	}
}

func (b *Board) seenSent(frame []byte) {
	if b.events.Frame == nil {
		return
	}
	if f, err := wire.NewReader(strings.NewReader(string(frame)), wire.MaxLength).Next(); err == nil { // it is ours
		b.seen(true, f)
	}
}

// describe tells what a person wants to know of a frame.
func describe(f wire.Frame) string {
	switch f.Type {
	case wire.Hello:
		if h, err := f.Hello(); err == nil {
			return string(h.Token) + " " + string(h.Client)
		}
	case wire.PublishTo:
		if t, err := f.Topical(); err == nil {
			return string(t.Topic) + " " + printable(t.Payload)
		}
	case wire.Invoke:
		if i, err := f.Invoke(); err == nil {
			return printable(i.Payload)
		}
	case wire.Failure:
		if e, err := f.Failure(); err == nil {
			return string(e.Type) + " " + string(e.Message)
		}
	case wire.Error:
		if e, err := f.Error(); err == nil {
			return fmt.Sprintf("%v: %v", e.Refused, e.Code)
		}
	case wire.Offer:
		if o, err := f.Offer(); err == nil {
			return fmt.Sprintf("%s %s, %d bytes", o.Function, o.Version, o.Size)
		}
	case wire.Log, wire.Result, wire.Publish, wire.Register, wire.Remove:
		return printable(f.Body)
	case wire.Accept:
		if a, err := f.Accept(); err == nil {
			return fmt.Sprintf("from byte %d", a.Offset)
		}
	case wire.Progress:
		if n, err := f.Number(); err == nil {
			return fmt.Sprint(n)
		}
	}
	return ""
}

// printable is a payload as text, or in hexadecimal.
func printable(p []byte) string {
	const most = 200
	rest := ""
	if len(p) > most {
		p, rest = p[:most], "…"
	}
	for _, b := range p {
		if b < ' ' || b == 0x7f {
			return fmt.Sprintf("%x%s", p, rest)
		}
	}
	return strings.ToValidUTF8(string(p), "?") + rest
}
