package wire

// ConsumeBody is the body of CONSUME.
type ConsumeBody struct {
	Start      Start
	Window     uint16 // unacknowledged messages at most; 0: the broker's default
	Patience   uint32 // milliseconds until a message is delivered again; 0: the broker's default
	Attempts   uint16 // at most; 0: without end
	From       uint64 // milliseconds since 1970, for StartTime
	Place      []byte
	DeadLetter []byte // topic; empty: none
	Filter     []byte
}

// StoreBody is the body of STORE.
type StoreBody struct{ MessageID, Topic, Payload []byte }

// DeliveryBody is the body of DELIVERY and, without attempt and flags, of PAST.
type DeliveryBody struct {
	Sequence, Time uint64
	Attempt, Flags uint16
	Topic, Payload []byte
}

// AckBody is the body of ACK.
type AckBody struct {
	Sequence uint64
	Verdict  Verdict
	Delay    uint32 // milliseconds, for Again
}

// HistoryBody is the body of HISTORY; 0 is no bound.
type HistoryBody struct {
	Flags       uint8
	Limit       uint32
	From, Until uint64
	Filter      []byte
}

// Consume reads a CONSUME.
func (f Frame) Consume() (ConsumeBody, error) {
	c := cursor{b: f.Body}
	b := ConsumeBody{Start: Start(c.u8())}
	c.u8()
	b.Window, b.Patience, b.Attempts = c.u16(), c.u32(), c.u16()
	c.u16()
	b.From, b.Place, b.DeadLetter, b.Filter = c.u64(), c.str16(), c.str16(), c.b
	switch {
	case c.short:
		return b, f.bad(shortBody)
	case b.Start > StartTime:
		return b, f.bad("its start is unknown")
	}
	return b, f.shortID()
}

// Store reads a STORE.
func (f Frame) Store() (StoreBody, error) {
	c := cursor{b: f.Body}
	b := StoreBody{MessageID: c.str16(), Topic: c.str16()}
	b.Payload = c.b
	if c.short {
		return b, f.bad(shortBody)
	}
	if len(b.MessageID) > MaxMessageID {
		return b, f.bad("its message id is longer than 64 bytes")
	}
	return b, nil
}

// Delivery reads a DELIVERY or PAST.
func (f Frame) Delivery() (DeliveryBody, error) {
	c := cursor{b: f.Body}
	b := DeliveryBody{Sequence: c.u64(), Time: c.u64()}
	if f.Type == Delivery {
		b.Attempt, b.Flags = c.u16(), c.u16()
	}
	b.Topic = c.str16()
	b.Payload = c.b
	if c.short {
		return b, f.bad(shortBody)
	}
	return b, nil
}

// Ack reads an ACK.
func (f Frame) Ack() (AckBody, error) {
	c := cursor{b: f.Body}
	b := AckBody{Sequence: c.u64(), Verdict: Verdict(c.u8())}
	c.u8()
	c.u16()
	b.Delay = c.u32()
	if err := f.whole(&c); err != nil {
		return b, err
	}
	if b.Verdict > StillAt {
		return b, f.bad("its verdict is unknown")
	}
	return b, nil
}

// History reads a HISTORY.
func (f Frame) History() (HistoryBody, error) {
	c := cursor{b: f.Body}
	b := HistoryBody{Flags: c.u8()}
	c.u8()
	c.u16()
	b.Limit, b.From, b.Until, b.Filter = c.u32(), c.u64(), c.u64(), c.b
	switch {
	case c.short:
		return b, f.bad(shortBody)
	case b.Flags > Newest:
		return b, f.bad(badFlags)
	}
	return b, nil
}

// AppendConsume adds a CONSUME.
func AppendConsume(b []byte, id uint32, c ConsumeBody) []byte {
	start := len(b)
	b = AppendHeader(b, Consume, id, 0)
	b = append(b, byte(c.Start), 0)
	b = le.AppendUint16(b, c.Window)
	b = le.AppendUint32(b, c.Patience)
	b = le.AppendUint16(b, c.Attempts)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint64(b, c.From)
	b = appendStr16(b, c.Place)
	b = appendStr16(b, c.DeadLetter)
	return finish(append(b, c.Filter...), start)
}

// AppendStore adds a message that must be stored.
func AppendStore[T, U Text](b []byte, id uint32, messageID T, topic U, payload []byte) []byte {
	start := len(b)
	b = AppendHeader(b, Store, id, 0)
	b = appendStr16(b, messageID)
	b = appendStr16(b, topic)
	return finish(append(b, payload...), start)
}

// AppendDelivery adds a kept message for a consumer.
func AppendDelivery(b []byte, id uint32, d DeliveryBody) []byte {
	start := len(b)
	b = AppendHeader(b, Delivery, id, 0)
	b = le.AppendUint64(b, d.Sequence)
	b = le.AppendUint64(b, d.Time)
	b = le.AppendUint16(b, d.Attempt)
	b = le.AppendUint16(b, d.Flags)
	b = appendStr16(b, d.Topic)
	return finish(append(b, d.Payload...), start)
}

// AppendAck adds a consumer's answer.
func AppendAck(b []byte, id uint32, a AckBody) []byte {
	b = AppendHeader(b, Ack, id, 16)
	b = le.AppendUint64(b, a.Sequence)
	b = append(b, byte(a.Verdict), 0, 0, 0)
	return le.AppendUint32(b, a.Delay)
}

// AppendHistory adds a question for kept messages.
func AppendHistory(b []byte, id uint32, h HistoryBody) []byte {
	start := len(b)
	b = AppendHeader(b, History, id, 0)
	b = append(b, h.Flags, 0, 0, 0)
	b = le.AppendUint32(b, h.Limit)
	b = le.AppendUint64(b, h.From)
	b = le.AppendUint64(b, h.Until)
	return finish(append(b, h.Filter...), start)
}

// AppendPast adds a kept message that answers HISTORY.
func AppendPast(b []byte, id uint32, d DeliveryBody) []byte {
	start := len(b)
	b = AppendHeader(b, Past, id, 0)
	b = le.AppendUint64(b, d.Sequence)
	b = le.AppendUint64(b, d.Time)
	b = appendStr16(b, d.Topic)
	return finish(append(b, d.Payload...), start)
}
