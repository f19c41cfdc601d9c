/* The instructions that vm_run.c has only by their kind, each once: X(opcode, type of
 * the operands a and b, result). */
#ifndef FESCUE_VM_LIST_H
#define FESCUE_VM_LIST_H

#define VM_I32_ONE(X) \
	X(0x45, uint32_t, !a) \
	X(0x67, uint32_t, clz32(a)) \
	X(0x68, uint32_t, ctz32(a)) \
	X(0x69, uint32_t, popcount32(a)) \
	X(0xc0, int8_t, a) \
	X(0xc1, int16_t, a)

#define VM_I32_COMPARE(X) \
	X(0x46, uint32_t, a == b) \
	X(0x47, uint32_t, a != b) \
	X(0x48, int32_t, a < b) \
	X(0x49, uint32_t, a < b) \
	X(0x4a, int32_t, a > b) \
	X(0x4b, uint32_t, a > b) \
	X(0x4c, int32_t, a <= b) \
	X(0x4d, uint32_t, a <= b) \
	X(0x4e, int32_t, a >= b) \
	X(0x4f, uint32_t, a >= b)

#define VM_I32_TWO(X) \
	X(0x6a, uint32_t, a + b) \
	X(0x6b, uint32_t, a - b) \
	X(0x6c, uint32_t, a * b) \
	X(0x71, uint32_t, a & b) \
	X(0x72, uint32_t, a | b) \
	X(0x73, uint32_t, a ^ b) \
	X(0x74, uint32_t, a << (b & 31)) \
	X(0x75, int32_t, a >> (b & 31)) \
	X(0x76, uint32_t, a >> (b & 31)) \
	X(0x77, uint32_t, rotl32(a, b)) \
	X(0x78, uint32_t, rotl32(a, -b))

/* Those that divide by b: not by 0, and a quotient may not be too large. */
#define VM_I32_DIVIDE(X) \
	X(0x6d, int32_t, a == INT32_MIN && b == -1, a / b) \
	X(0x6e, uint32_t, 0, a / b) \
	X(0x6f, int32_t, 0, b == -1 ? 0 : a % b) \
	X(0x70, uint32_t, 0, a % b)

/* Loads and stores: X(opcode, the slot's member, what lies in memory). Only the
 * fast build has them one by one. */
#define VM_I32_LOADS(X) \
	X(0x28, i32, uint32_t) X(0x2c, i32, int8_t) X(0x2d, i32, uint8_t) X(0x2e, i32, int16_t) X(0x2f, i32, uint16_t)
#define VM_I32_STORES(X) X(0x36, i32, uint32_t) X(0x3a, i32, uint8_t) X(0x3b, i32, uint16_t)

#endif
