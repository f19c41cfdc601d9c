package wire

import "iter"

// OfferBody is the body of OFFER.
type OfferBody struct {
	Size              uint32
	Digest            [32]byte // SHA-256
	Fuel              uint32   // thousands of instructions
	Memory            uint32   // bytes
	Function, Version []byte
	Settings          []byte // lines of key=value
}

// AcceptBody is the body of ACCEPT.
type AcceptBody struct {
	Offset        uint32
	Chunk, Window uint16
}

// ChunkBody is the body of CHUNK.
type ChunkBody struct {
	Offset uint32
	Data   []byte
}

// Module is one entry of HELD.
type Module struct {
	State, Slot       uint8
	Size              uint32
	Digest            [8]byte // begin of the SHA-256
	Function, Version []byte
}

// HeldBody is the body of HELD.
type HeldBody struct {
	Count   int
	modules []byte
}

// Offer reads an OFFER.
func (f Frame) Offer() (OfferBody, error) {
	c := cursor{b: f.Body}
	b := OfferBody{Size: c.u32()}
	copy(b.Digest[:], c.take(len(b.Digest)))
	b.Fuel, b.Memory = c.u32(), c.u32()
	b.Function, b.Version, b.Settings = c.str16(), c.str16(), c.b
	if c.short {
		return b, f.bad(shortBody)
	}
	return b, nil
}

// Accept reads an ACCEPT.
func (f Frame) Accept() (AcceptBody, error) {
	c := cursor{b: f.Body}
	b := AcceptBody{Offset: c.u32(), Chunk: c.u16(), Window: c.u16()}
	if err := f.whole(&c); err != nil {
		return b, err
	}
	if b.Chunk == 0 || b.Window < b.Chunk {
		return b, f.bad("its window does not hold a chunk")
	}
	return b, nil
}

// Chunk reads a CHUNK.
func (f Frame) Chunk() (ChunkBody, error) {
	c := cursor{b: f.Body}
	b := ChunkBody{Offset: c.u32(), Data: c.b}
	if c.short {
		return b, f.bad(shortBody)
	}
	return b, nil
}

// Number reads a PROGRESS or CREDIT.
func (f Frame) Number() (uint32, error) {
	c := cursor{b: f.Body}
	n := c.u32()
	return n, f.whole(&c)
}

// Committed reads a COMMITTED: the slot.
func (f Frame) Committed() (uint8, error) {
	c := cursor{b: f.Body}
	slot := c.u8()
	return slot, f.whole(&c)
}

// Abort reads an ABORT.
func (f Frame) Abort() (Code, error) {
	c := cursor{b: f.Body}
	code := Code(c.u16())
	return code, f.whole(&c)
}

// Held reads a HELD.
func (f Frame) Held() (HeldBody, error) {
	c := cursor{b: f.Body}
	b := HeldBody{Count: int(c.u8())}
	b.modules = c.b
	for range b.Count {
		c.module()
	}
	return b, f.whole(&c)
}

// Modules goes through the list.
func (h HeldBody) Modules() iter.Seq[Module] {
	return func(yield func(Module) bool) {
		c := cursor{b: h.modules}
		for range h.Count {
			if !yield(c.module()) {
				return
			}
		}
	}
}

func (c *cursor) module() Module {
	m := Module{State: c.u8(), Slot: c.u8()}
	c.u16()
	m.Size = c.u32()
	copy(m.Digest[:], c.take(len(m.Digest)))
	m.Function, m.Version = c.str16(), c.str16()
	return m
}

// AppendOffer adds the announcement of a module.
func AppendOffer(b []byte, id uint32, o OfferBody) []byte {
	start := len(b)
	b = AppendHeader(b, Offer, id, 0)
	b = le.AppendUint32(b, o.Size)
	b = append(b, o.Digest[:]...)
	b = le.AppendUint32(b, o.Fuel)
	b = le.AppendUint32(b, o.Memory)
	b = appendStr16(b, o.Function)
	b = appendStr16(b, o.Version)
	return finish(append(b, o.Settings...), start)
}

// AppendAccept adds the answer to an OFFER.
func AppendAccept(b []byte, id uint32, a AcceptBody) []byte {
	b = AppendHeader(b, Accept, id, 8)
	b = le.AppendUint32(b, a.Offset)
	b = le.AppendUint16(b, a.Chunk)
	return le.AppendUint16(b, a.Window)
}

// AppendChunk adds a piece of a module.
func AppendChunk(b []byte, id, offset uint32, data []byte) []byte {
	b = AppendHeader(b, Chunk, id, 4+len(data))
	return append(le.AppendUint32(b, offset), data...)
}

// AppendNumber adds a PROGRESS or CREDIT.
func AppendNumber(b []byte, t Type, id, n uint32) []byte {
	return le.AppendUint32(AppendHeader(b, t, id, 4), n)
}

// AppendCommitted adds the answer to a COMMIT.
func AppendCommitted(b []byte, id uint32, slot uint8) []byte {
	return append(AppendHeader(b, Committed, id, 1), slot)
}

// AppendAbort adds the end of a transfer.
func AppendAbort(b []byte, id uint32, code Code) []byte {
	return le.AppendUint16(AppendHeader(b, Abort, id, 2), uint16(code))
}

// AppendHeld adds the list of what a device holds; at most 255 are told.
func AppendHeld(b []byte, id uint32, modules []Module) []byte {
	start := len(b)
	modules = modules[:min(len(modules), 255)]
	b = append(AppendHeader(b, Held, id, 0), byte(len(modules)))
	for _, m := range modules {
		b = append(b, m.State, m.Slot, 0, 0)
		b = le.AppendUint32(b, m.Size)
		b = append(b, m.Digest[:]...)
		b = appendStr16(b, m.Function)
		b = appendStr16(b, m.Version)
	}
	return finish(b, start)
}
