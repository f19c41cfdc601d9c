package module

// ofType is what a machine needs to know a value type.
func ofType(t byte) Features {
	switch t {
	case 0x7e:
		return Int64
	case 0x7d:
		return Float32
	case 0x7c:
		return Float64
	}
	return 0
}

// body goes through a function's code.
func (i *Info) body(s *cursor) {
	for n := s.number(); n > 0 && !s.short; n-- {
		s.number()
		i.Needs |= ofType(s.byte())
	}
	for len(s.b) > 0 && !s.short {
		opcode := s.byte()
		i.Needs |= needs(opcode)
		i.immediates(opcode, s)
	}
}

// immediates skips what stands behind an opcode, and counts branches: micro/core
// prepares an entry in a table for each.
func (i *Info) immediates(opcode byte, s *cursor) {
	switch {
	case opcode == 0x04: // if
		i.branches++
		s.number()
	case opcode == 0x05: // else
		i.branches++
	case opcode == 0x02, opcode == 0x03: // block, loop
		s.number()
	case opcode == 0x0c, opcode == 0x0d: // br, br_if
		i.branches++
		s.number()
	case opcode == 0x0e: // br_table
		for n := s.number(); n >= 0 && !s.short; n-- {
			i.branches++
			s.number()
		}
	case opcode == 0x10, opcode >= 0x20 && opcode <= 0x26, opcode == 0x41, opcode == 0x42, opcode == 0x3f, opcode == 0x40:
		s.number() // a function, variable, number, or memory
	case opcode == 0x11, opcode >= 0x28 && opcode <= 0x3e:
		s.number()
		s.number() // type and table, alignment and offset
	case opcode == 0x43:
		s.take(4)
	case opcode == 0x44:
		s.take(8)
	case opcode == 0xfc:
		i.extended(s.number(), s)
	}
}

// extended are the opcodes behind 0xfc: saturating conversions and bulk memory.
func (i *Info) extended(opcode int, s *cursor) {
	if opcode < 8 {
		i.Needs |= [...]Features{Float32, Float32, Float64, Float64, Float32 | Int64, Float32 | Int64, Float64 | Int64, Float64 | Int64}[opcode]
		return
	}
	i.Needs |= BulkMemory
	s.number()
	if opcode != 9 && opcode != 11 && opcode != 13 {
		s.number()
	}
}

// needs is what a machine must have for an opcode of one byte. The ranges are those of
// the specification's index of instructions.
func needs(opcode byte) Features {
	switch {
	case opcode == 0x29, opcode == 0x37, opcode == 0x42, in(opcode, 0x30, 0x35), in(opcode, 0x3c, 0x3e),
		in(opcode, 0x50, 0x5a), in(opcode, 0x79, 0x8a), opcode == 0xa7, in(opcode, 0xac, 0xad), in(opcode, 0xc2, 0xc4):
		return Int64
	case opcode == 0x2a, opcode == 0x38, opcode == 0x43, in(opcode, 0x5b, 0x60), in(opcode, 0x8b, 0x98),
		in(opcode, 0xa8, 0xa9), in(opcode, 0xb2, 0xb3), opcode == 0xbc, opcode == 0xbe:
		return Float32
	case opcode == 0x2b, opcode == 0x39, opcode == 0x44, in(opcode, 0x61, 0x66), in(opcode, 0x99, 0xa6),
		in(opcode, 0xaa, 0xab), in(opcode, 0xb7, 0xb8):
		return Float64
	case in(opcode, 0xae, 0xaf), in(opcode, 0xb4, 0xb5):
		return Int64 | Float32
	case in(opcode, 0xb0, 0xb1), in(opcode, 0xb9, 0xba), opcode == 0xbd, opcode == 0xbf:
		return Int64 | Float64
	case opcode == 0xb6, opcode == 0xbb:
		return Float32 | Float64
	}
	return 0
}

func in(opcode, first, last byte) bool { return first <= opcode && opcode <= last }
