package wire_test

import (
	"encoding/hex"
	"testing"

	"fescue.dev/fescue/exchange/wire"
)

func describeDurable(t *testing.T, f wire.Frame, m map[string]any) {
	switch f.Type {
	case wire.Consume:
		b, err := f.Consume()
		must(t, err)
		m["start"], m["window"], m["patience"], m["attempts"], m["from"] = b.Start, b.Window, b.Patience, b.Attempts, b.From
		m["place"], m["deadLetter"], m["filter"] = string(b.Place), string(b.DeadLetter), string(b.Filter)
	case wire.Store:
		b, err := f.Store()
		must(t, err)
		m["messageId"], m["topic"], m["payload"] = string(b.MessageID), string(b.Topic), hex.EncodeToString(b.Payload)
	case wire.Delivery, wire.Past:
		b, err := f.Delivery()
		must(t, err)
		m["sequence"], m["time"], m["topic"], m["payload"] = b.Sequence, b.Time, string(b.Topic), hex.EncodeToString(b.Payload)
		if f.Type == wire.Delivery {
			m["attempt"], m["flags"] = b.Attempt, b.Flags
		}
	case wire.Ack:
		b, err := f.Ack()
		must(t, err)
		m["sequence"], m["verdict"], m["delay"] = b.Sequence, b.Verdict, b.Delay
	case wire.History:
		b, err := f.History()
		must(t, err)
		m["flags"], m["limit"], m["from"], m["until"], m["filter"] = b.Flags, b.Limit, b.From, b.Until, string(b.Filter)
	}
}

func describeState(t *testing.T, f wire.Frame, m map[string]any) {
	switch f.Type {
	case wire.Put, wire.Delete:
		b, err := f.Put()
		must(t, err)
		m["condition"], m["revision"], m["key"] = b.Condition, b.Revision, string(b.Key)
		if f.Type == wire.Put {
			m["ttl"], m["value"] = b.TTL, hex.EncodeToString(b.Value)
		}
	case wire.Watch:
		b, err := f.Watch()
		must(t, err)
		m["flags"], m["filter"] = b.Flags, string(b.Filter)
	case wire.Value:
		b, err := f.Value()
		must(t, err)
		m["revision"], m["time"], m["value"] = b.Revision, b.Time, hex.EncodeToString(b.Value)
	case wire.Stored:
		revision, err := f.Stored()
		must(t, err)
		m["revision"] = revision
	case wire.Change:
		b, err := f.Change()
		must(t, err)
		m["kind"], m["revision"], m["time"] = b.Kind, b.Revision, b.Time
		m["key"], m["value"] = string(b.Key), hex.EncodeToString(b.Value)
	}
}

func describeModule(t *testing.T, f wire.Frame, m map[string]any) {
	switch f.Type {
	case wire.Offer:
		b, err := f.Offer()
		must(t, err)
		m["size"], m["digest"], m["fuel"], m["memory"] = b.Size, hex.EncodeToString(b.Digest[:]), b.Fuel, b.Memory
		m["function"], m["version"], m["settings"] = string(b.Function), string(b.Version), string(b.Settings)
	case wire.Accept:
		b, err := f.Accept()
		must(t, err)
		m["offset"], m["chunk"], m["window"] = b.Offset, b.Chunk, b.Window
	case wire.Chunk:
		b, err := f.Chunk()
		must(t, err)
		m["offset"], m["data"] = b.Offset, hex.EncodeToString(b.Data)
	case wire.Committed:
		slot, err := f.Committed()
		must(t, err)
		m["slot"] = slot
	case wire.Abort:
		code, err := f.Abort()
		must(t, err)
		m["code"], m["codeName"] = code, code.String()
	case wire.Held:
		m["modules"] = describeHeld(t, f)
	case wire.Progress, wire.Credit, wire.More:
		n, err := f.Number()
		must(t, err)
		m[map[wire.Type]string{wire.Progress: "offset", wire.Credit: "number", wire.More: "number"}[f.Type]] = n
	}
}

func describeHeld(t *testing.T, f wire.Frame) []map[string]any {
	b, err := f.Held()
	must(t, err)
	list := []map[string]any{}
	for m := range b.Modules() {
		list = append(list, map[string]any{
			"state": m.State, "slot": m.Slot, "size": m.Size, "digest": hex.EncodeToString(m.Digest[:]),
			"function": string(m.Function), "version": string(m.Version),
		})
	}
	return list
}
