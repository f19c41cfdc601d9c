/* Numbers in code, cells of memory and bits: what vm_run.c computes with. */
#ifndef FESCUE_VM_OPS_H
#define FESCUE_VM_OPS_H

#include "vm_internal.h"

/* The rest of a number whose first byte b says that there is more. */
static inline const uint8_t *long_u32(const uint8_t *pc, uint32_t b, uint32_t *value)
{
	uint8_t shift = 7;
	*value = b & 0x7f;
	do {
		b = FESCUE_CODE_BYTE(pc++);
		*value |= (b & 0x7f) << shift;
		shift = (uint8_t)(shift + 7);
	} while (b & 0x80);
	return pc;
}

static inline const uint8_t *long_s32(const uint8_t *pc, uint32_t b, uint32_t *value)
{
	uint8_t shift = 7;
	*value = b & 0x7f;
	do {
		b = FESCUE_CODE_BYTE(pc++);
		*value |= (b & 0x7f) << shift;
		shift = (uint8_t)(shift + 7);
	} while (b & 0x80);
	if (shift < 32 && b & 0x40)
		*value |= ~(uint32_t)0 << shift;
	return pc;
}

#if FESCUE_VM_INT64
static inline const uint8_t *read_s64(const uint8_t *pc, uint64_t *value)
{
	uint8_t shift = 0, b;
	*value = 0;
	do {
		b = FESCUE_CODE_BYTE(pc++);
		*value |= (uint64_t)(b & 0x7f) << shift;
		shift = (uint8_t)(shift + 7);
	} while (b & 0x80);
	if (shift < 64 && b & 0x40)
		*value |= ~(uint64_t)0 << shift;
	return pc;
}
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the machine keeps its memory little-endian, as WebAssembly's is, and so must the processor"
#endif
static inline uint32_t clz32(uint32_t x) { return x ? (uint32_t)__builtin_clzl((unsigned long)x) - (uint32_t)(sizeof(long) * 8 - 32) : 32; }
static inline uint32_t ctz32(uint32_t x) { return x ? 31 - clz32(x & (~x + 1)) : 32; }
static inline uint32_t rotl32(uint32_t x, uint32_t n) { n &= 31; return x << n | x >> (-n & 31); }

static inline uint32_t popcount32(uint32_t x)
{
	x -= x >> 1 & 0x55555555;
	x = (x & 0x33333333) + (x >> 2 & 0x33333333);
	return ((x + (x >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
}

#endif
