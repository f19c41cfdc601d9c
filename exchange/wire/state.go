package wire

// PutBody is the body of PUT and, without time to live and value, of DELETE.
type PutBody struct {
	Condition Condition
	TTL       uint32 // seconds; 0: for good
	Revision  uint64 // for IfRevision
	Key       []byte
	Value     []byte
}

// WatchBody is the body of WATCH.
type WatchBody struct {
	Flags  WatchFlags
	Filter []byte
}

// ValueBody is the body of VALUE.
type ValueBody struct {
	Revision, Time uint64
	Value          []byte
}

// ChangeBody is the body of CHANGE.
type ChangeBody struct {
	Kind           ChangeKind
	Revision, Time uint64
	Key, Value     []byte
}

// Put reads a PUT or DELETE.
func (f Frame) Put() (PutBody, error) {
	c := cursor{b: f.Body}
	b := PutBody{Condition: Condition(c.u8())}
	c.u8()
	c.u16()
	if f.Type == Put {
		b.TTL, b.Revision, b.Key, b.Value = c.u32(), c.u64(), c.str16(), c.b
	} else {
		b.Revision, b.Key = c.u64(), c.b
	}
	switch {
	case c.short:
		return b, f.bad(shortBody)
	case b.Condition > IfRevision:
		return b, f.bad("its condition is unknown")
	}
	return b, nil
}

// Watch reads a WATCH.
func (f Frame) Watch() (WatchBody, error) {
	c := cursor{b: f.Body}
	b := WatchBody{Flags: WatchFlags(c.u8()), Filter: c.b}
	switch {
	case c.short:
		return b, f.bad(shortBody)
	case b.Flags > WithPresent|OnlyPresent|KeysOnly:
		return b, f.bad(badFlags)
	}
	return b, f.shortID()
}

// Value reads a VALUE.
func (f Frame) Value() (ValueBody, error) {
	c := cursor{b: f.Body}
	b := ValueBody{Revision: c.u64(), Time: c.u64(), Value: c.b}
	if c.short {
		return b, f.bad(shortBody)
	}
	return b, nil
}

// Stored reads a STORED: the new revision.
func (f Frame) Stored() (uint64, error) {
	c := cursor{b: f.Body}
	revision := c.u64()
	return revision, f.whole(&c)
}

// Change reads a CHANGE.
func (f Frame) Change() (ChangeBody, error) {
	c := cursor{b: f.Body}
	b := ChangeBody{Kind: ChangeKind(c.u8())}
	c.u8()
	c.u16()
	b.Revision, b.Time, b.Key, b.Value = c.u64(), c.u64(), c.str16(), c.b
	switch {
	case c.short:
		return b, f.bad(shortBody)
	case b.Kind > EndOfPresent:
		return b, f.bad("its kind is unknown")
	}
	return b, nil
}

// AppendPut adds a PUT.
func AppendPut(b []byte, id uint32, p PutBody) []byte {
	start := len(b)
	b = AppendHeader(b, Put, id, 0)
	b = append(b, byte(p.Condition), 0, 0, 0)
	b = le.AppendUint32(b, p.TTL)
	b = le.AppendUint64(b, p.Revision)
	b = appendStr16(b, p.Key)
	return finish(append(b, p.Value...), start)
}

// AppendDelete adds a DELETE.
func AppendDelete[T Text](b []byte, id uint32, condition Condition, revision uint64, key T) []byte {
	b = AppendHeader(b, Delete, id, 12+len(key))
	b = append(b, byte(condition), 0, 0, 0)
	b = le.AppendUint64(b, revision)
	return append(b, key...)
}

// AppendWatch adds a WATCH.
func AppendWatch[T Text](b []byte, id uint32, flags WatchFlags, filter T) []byte {
	b = AppendHeader(b, Watch, id, 1+len(filter))
	b = append(b, byte(flags))
	return append(b, filter...)
}

// AppendValue adds the answer to a GET.
func AppendValue(b []byte, id uint32, v ValueBody) []byte {
	b = AppendHeader(b, Value, id, 16+len(v.Value))
	b = le.AppendUint64(b, v.Revision)
	b = le.AppendUint64(b, v.Time)
	return append(b, v.Value...)
}

// AppendStored adds the answer to a PUT or DELETE.
func AppendStored(b []byte, id uint32, revision uint64) []byte {
	return le.AppendUint64(AppendHeader(b, Stored, id, 8), revision)
}

// AppendChange adds a change of a key for who watches it.
func AppendChange(b []byte, id uint32, c ChangeBody) []byte {
	start := len(b)
	b = AppendHeader(b, Change, id, 0)
	b = append(b, byte(c.Kind), 0, 0, 0)
	b = le.AppendUint64(b, c.Revision)
	b = le.AppendUint64(b, c.Time)
	b = appendStr16(b, c.Key)
	return finish(append(b, c.Value...), start)
}
