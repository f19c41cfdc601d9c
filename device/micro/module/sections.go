package module

import (
	"bytes"
	"errors"
)

var errShort = errors.New("a section ends too early")

// Section numbers of the specification.
const (
	customSection = iota
	typeSection
	importSection
	functionSection
	tableSection
	memorySection
	globalSection
	exportSection
	startSection
	elementSection
	codeSection
	dataSection
)

// cursor reads what wazero has found valid; short tells of a bug in that.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.short = nil, true
		return nil
	}
	p := c.b[:n]
	c.b = c.b[n:]
	return p
}

func (c *cursor) byte() byte {
	if p := c.take(1); p != nil {
		return p[0]
	}
	return 0
}

// number reads a LEB128 number without a sign.
func (c *cursor) number() int {
	n := 0
	for shift := 0; shift < 63; shift += 7 {
		b := c.byte()
		n |= int(b&0x7f) << shift
		if b&0x80 == 0 {
			break
		}
	}
	return n
}

// signed reads one of 32 bits with a sign.
func (c *cursor) signed() int {
	n, shift := 0, 0
	for shift < 63 {
		b := c.byte()
		n |= int(b&0x7f) << shift
		shift += 7
		if b&0x80 == 0 {
			if b&0x40 != 0 {
				n |= -1 << shift
			}
			break
		}
	}
	return n
}

func (c *cursor) name() string { return string(c.take(c.number())) }

// sections goes through the module.
func (i *Info) sections(code []byte) error {
	i.functions = len(i.Imports)
	c := cursor{b: code}
	c.take(8)
	for len(c.b) > 0 && !c.short {
		id := c.byte()
		s := cursor{b: c.take(c.number())}
		i.section(id, &s)
		c.short = c.short || s.short
	}
	if c.short {
		return errShort
	}
	return nil
}

func (i *Info) section(id byte, s *cursor) {
	switch id {
	case customSection:
		i.custom(s)
	case typeSection:
		i.types = s.number()
		i.signatures(s)
	case functionSection:
		i.functions += s.number()
	case tableSection:
		if s.number() > 0 {
			s.byte()
			s.byte()
			i.elements = s.number()
		}
	case memorySection:
		if s.number() > 0 {
			s.byte()
			i.Pages = s.number()
		}
	case globalSection:
		i.globalSection(s)
	case exportSection:
		i.exportSection(s)
	case startSection:
	case elementSection:
		i.segments += s.number()
	case codeSection:
		i.Code = len(s.b)
		for n := s.number(); n > 0 && !s.short; n-- {
			body := cursor{b: s.take(s.number())}
			i.body(&body)
			s.short = s.short || body.short
		}
	case dataSection:
		i.dataSection(s)
	}
}

// signatures looks for value types that a machine may not have.
func (i *Info) signatures(s *cursor) {
	for n := i.types; n > 0 && !s.short; n-- {
		s.byte()
		for range 2 {
			for _, t := range s.take(s.number()) {
				i.Needs |= ofType(t)
			}
		}
	}
}

// memoryNote is the custom section by which `fescue build` says how much memory a module
// cannot do without: a number (LEB128).
const memoryNote = "fescue.memory"

// WithMemory gives the module with a note of how many bytes of memory it cannot do
// without: variables without initial values are not seen in it otherwise.
func WithMemory(code []byte, n int) []byte {
	body := append([]byte{byte(len(memoryNote))}, memoryNote...)
	for ; n >= 0x80; n >>= 7 {
		body = append(body, byte(n)|0x80)
	}
	body = append(body, byte(n))
	return append(append(bytes.Clone(code), customSection, byte(len(body))), body...)
}

func (i *Info) custom(s *cursor) {
	if s.name() == memoryNote {
		i.Memory = max(i.Memory, s.number())
	}
}

// globalSection finds C's stack pointer: the first variable that changes.
func (i *Info) globalSection(s *cursor) {
	i.globals = s.number()
	for n := i.globals; n > 0 && !s.short; n-- {
		kind, changes, opcode, value := s.byte(), s.byte(), s.byte(), 0
		i.Needs |= ofType(kind)
		switch opcode {
		case 0x41:
			value = s.signed()
			if changes == 1 && i.Stack == 0 {
				i.Stack = value
			}
		case 0x43:
			s.take(4)
		case 0x44:
			s.take(8)
		default:
			s.number()
		}
		s.byte() // end
		i.values = append(i.values, value)
	}
}

// heapBase is the variable that linkers can be asked to export: where the memory that
// the module needs from the start ends.
const heapBase = "__heap_base"

func (i *Info) exportSection(s *cursor) {
	for n := s.number(); n > 0 && !s.short; n-- {
		name, kind, index := s.name(), s.byte(), s.number()
		if name == heapBase && kind == 3 && index < len(i.values) {
			i.Memory = max(i.Memory, i.values[index])
		}
	}
}

func (i *Info) dataSection(s *cursor) {
	n := s.number()
	i.segments += n
	for ; n > 0 && !s.short; n-- {
		mode, at := s.number(), 0
		if mode == 2 {
			s.number()
		}
		if mode != 1 {
			s.byte() // i32.const
			at = s.signed()
			s.byte() // end
		}
		size := s.number()
		s.take(size)
		i.Data += size
		if mode != 1 {
			i.Memory = max(i.Memory, at+size)
		}
	}
}
