/* 64-bit integers: out of the interpreter's one long function, because a processor
 * that has them only in pairs of registers takes long for them anyway. */
#include "vm_ops.h"

#if FESCUE_VM_INT64

/* Bit by bit: a fraction of the code of the compiler's own, which is faster. */
static uint64_t divide(uint64_t a, uint64_t b, uint64_t *rest)
{
#if FESCUE_VM_NATIVE
	*rest = a % b;
	return a / b;
#else
	uint64_t quotient = 0;
	uint8_t left = 1;
	for (; !(b >> 63) && b < a; left++)
		b <<= 1;
	for (; left > 0; left--, b >>= 1) {
		quotient <<= 1;
		if (a >= b) {
			a -= b;
			quotient |= 1;
		}
	}
	*rest = a;
	return quotient;
#endif
}

/* 0x7f to 0x82: signed and unsigned quotient, signed and unsigned rest. */
static fescue_trap divided(uint8_t op, uint64_t *a, uint64_t b)
{
	uint64_t rest;
	uint8_t a_negative = 0, b_negative = 0;
	if (b == 0)
		return FESCUE_TRAP_DIVIDE;
	if (op & 1) {
		a_negative = (uint8_t)(*a >> 63);
		b_negative = (uint8_t)(b >> 63);
		if (op == 0x7f && b == ~(uint64_t)0 && *a == (uint64_t)1 << 63)
			return FESCUE_TRAP_OVERFLOW;
	}
	*a = divide(a_negative ? ~*a + 1 : *a, b_negative ? ~b + 1 : b, &rest);
	if (op >= 0x81)
		*a = rest;
	else
		a_negative ^= b_negative;
	if (a_negative)
		*a = ~*a + 1;
	return FESCUE_TRAP_NONE;
}

/* 0x51 to 0x5a: = ≠, then < > ≤ ≥, signed and unsigned each. */
static uint8_t compare(uint8_t op, uint64_t a, uint64_t b)
{
	uint8_t k = (uint8_t)(op - 0x51);
	if (k < 2)
		return (a == b) != k;
	if (!(k & 1)) { /* signed */
		a ^= (uint64_t)1 << 63;
		b ^= (uint64_t)1 << 63;
	}
	k = (uint8_t)(k - 2) >> 1;
	return ((k == 0 || k == 3) ? a < b : b < a) != k >> 1;
}

static uint64_t rotate(uint64_t x, uint32_t n) { n &= 63; return n ? x << n | x >> (64 - n) : x; }

static uint64_t unary(uint8_t op, uint64_t a)
{
	uint32_t low = (uint32_t)a, high = (uint32_t)(a >> 32);
	switch (op) {
	case 0x50: return a == 0;
	case 0x79: return high ? clz32(high) : 32 + clz32(low);
	case 0x7a: return low ? ctz32(low) : 32 + ctz32(high);
	case 0x7b: return popcount32(low) + popcount32(high);
	case 0xc2: return (uint64_t)(int8_t)low;
	case 0xc3: return (uint64_t)(int16_t)low;
	case 0xac: case 0xc4: return (uint64_t)(int32_t)low;
	case 0xad: return low;
	default: return a; /* 0xa7: the lower half is there already */
	}
}

uint8_t vm_long(uint8_t op, fescue_slot *sp)
{
	uint64_t b = sp[-1].i64;
	if (op == 0x50 || (op >= 0x79 && op <= 0x7b) || op >= 0xa7) {
		sp[-1].i64 = unary(op, b);
		return FESCUE_TRAP_NONE;
	}
	uint64_t a = sp[-2].i64;
	uint32_t n = (uint32_t)b & 63;
	if (op <= 0x5a)
		a = compare(op, a, b);
	else
		switch (op) {
		case 0x7c: a += b; break;
		case 0x7d: a -= b; break;
		case 0x7e: a *= b; break;
		case 0x83: a &= b; break;
		case 0x84: a |= b; break;
		case 0x85: a ^= b; break;
		case 0x86: a <<= n; break;
		case 0x87: a = (uint64_t)((int64_t)a >> n); break;
		case 0x88: a >>= n; break;
		case 0x89: a = rotate(a, n); break;
		case 0x8a: a = rotate(a, -n); break;
		default: {
			fescue_trap trap = divided(op, &a, b);
			if (trap != FESCUE_TRAP_NONE)
				return (uint8_t)trap;
		}
		}
	sp[-2].i64 = a;
	return VM_ONE_LESS;
}

#endif
