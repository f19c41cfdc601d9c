/* Floats: IEEE 754 numbers of 32 and 64 bits, nearest even, as WebAssembly wants
 * them, in integers alone.
 *
 * Both formats are unpacked to one, computed with, rounded and packed again, so
 * there is one addition, one multiplication and so on for both. On processors
 * without floating-point hardware that takes a fraction of what the compiler's
 * library does; where there is hardware (FESCUE_VM_NATIVE) the four basic
 * operations are left to it. NaN results are the canonical one. */
#include "vm_internal.h"

#if FESCUE_VM_F32

#define TOP ((uint64_t)1 << 63)

/* (-1)^sign * m / 2^63 * 2^e, m with its highest bit set; or zero: m is 0. */
typedef struct {
	uint64_t m;
	int16_t e;
	uint8_t sign, kind;
} number;

enum { FINITE, INFINITE, NAN };

/* The layout of a format: bits of the fraction, and what the exponent is off by. */
static uint8_t fraction_of(uint8_t wide) { return wide ? 52 : 23; }
static int16_t bias_of(uint8_t wide) { return wide ? 1023 : 127; }

/* The bits with the sign at the top. */
static uint64_t bits_of(const fescue_slot *s, uint8_t wide)
{
#if FESCUE_VM_F64
	if (wide)
		return s->i64;
#endif
	(void)wide;
	return (uint64_t)s->i32 << 32;
}

static void set_bits(fescue_slot *s, uint8_t wide, uint64_t bits)
{
#if FESCUE_VM_F64
	if (wide) {
		s->i64 = bits;
		return;
	}
#endif
	(void)wide;
	s->i32 = (uint32_t)(bits >> 32);
}

static void normalise(number *n)
{
	if (n->m == 0)
		return;
	for (; !(n->m & TOP); n->m <<= 1)
		n->e--;
}

/* m, moved right; what falls out leaves a mark in the last bit. */
static uint64_t sticky_shift(uint64_t m, int16_t by)
{
	if (by > 63)
		return m != 0;
	return by <= 0 ? m : m >> by | (m << (64 - by) != 0);
}

static void unpack(const fescue_slot *s, uint8_t wide, number *n)
{
	uint64_t b = bits_of(s, wide);
	uint8_t exponent_bits = wide ? 11 : 8;
	uint16_t exponent = (uint16_t)(b << 1 >> (64 - exponent_bits));
	n->sign = (uint8_t)(b >> 63);
	n->kind = FINITE;
	n->m = b << 1 << exponent_bits;
	n->e = (int16_t)(exponent - bias_of(wide));
	if (exponent == 2 * bias_of(wide) + 1)
		n->kind = n->m != 0 ? NAN : INFINITE;
	else if (exponent != 0)
		n->m = n->m >> 1 | TOP;
	normalise(n);
}

static void pack(fescue_slot *s, uint8_t wide, const number *n)
{
	uint8_t fraction = fraction_of(wide), drop = (uint8_t)(63 - fraction);
	int16_t exponent = (int16_t)(n->e + bias_of(wide)), most = (int16_t)(2 * bias_of(wide) + 1);
	uint64_t m = n->m, bits;
	if (n->kind == FINITE && m == 0) {
		bits = 0;
	} else if (n->kind == FINITE && exponent < most) {
		if (exponent <= 0) {
			m = sticky_shift(m, (int16_t)(1 - exponent));
			exponent = 1;
		}
		uint64_t rest = m << (64 - drop);
		m >>= drop;
		m += rest > TOP || (rest == TOP && m & 1); /* a carry goes into the exponent, as it should */
		bits = m + ((uint64_t)(exponent - 1) << fraction);
	} else {
		bits = (uint64_t)most << fraction | (uint64_t)(n->kind == NAN) << (fraction - 1);
	}
	if (!wide)
		bits <<= 32;
	set_bits(s, wide, bits | (n->sign && n->kind != NAN ? TOP : 0));
}

/* --- arithmetic: a becomes the result --------------------------------------- */

static void add(number *a, number *b)
{
	if (a->kind | b->kind) {
		if (a->kind == b->kind && a->sign != b->sign)
			a->kind = NAN;
		if (a->kind == FINITE)
			*a = *b;
		return;
	}
	if (b->m == 0) {
		a->sign &= (uint8_t)(a->m != 0 || b->sign);
		return;
	}
	if (a->m == 0 || b->e > a->e || (b->e == a->e && b->m > a->m)) {
		number larger = *b;
		*b = *a;
		*a = larger;
	}
	/* One bit of room for the carry: the lowest ten are free. */
	uint64_t other = sticky_shift(b->m, (int16_t)(a->e - b->e + 1));
	a->m = (a->m >> 1) + (a->sign == b->sign ? other : ~other + 1);
	a->e++;
	a->sign &= (uint8_t)(a->m != 0);
	normalise(a);
}

static void multiply(number *a, const number *b)
{
	a->sign ^= b->sign;
	if (a->kind | b->kind) {
		a->kind = (a->kind == FINITE && a->m == 0) || (b->kind == FINITE && b->m == 0) ? NAN : INFINITE;
		return;
	}
	uint64_t high = 0;
	uint8_t lost = 0;
	/* Half by half of b. */
	for (uint8_t i = 0; i < 64; i = (uint8_t)(i + 32)) {
		uint32_t half = (uint32_t)(b->m >> i);
		uint64_t low = (a->m & 0xffffffff) * half + (high & 0xffffffff);
		lost |= (uint32_t)low != 0;
		high = (a->m >> 32) * half + (high >> 32) + (low >> 32);
	}
	a->e = (int16_t)(a->e + b->e + 1);
	a->m = high | lost;
	if (b->m == 0)
		a->m = 0;
	normalise(a);
}

/* Bit by bit, as many as the result has and two more. */
static void divide(number *a, const number *b, uint8_t wide)
{
	a->sign ^= b->sign;
	if (a->kind | b->kind) {
		if (a->kind == b->kind)
			a->kind = NAN;
		else if (a->kind == FINITE)
			a->kind = a->m = 0;
		return;
	}
	if (b->m == 0) {
		a->kind = a->m == 0 ? NAN : INFINITE;
		return;
	}
	uint64_t rest = a->m, quotient = 0;
	uint8_t carry = 0, n = (uint8_t)(fraction_of(wide) + 3);
	for (uint8_t i = n; i > 0; i--) {
		quotient <<= 1;
		if (carry || rest >= b->m) {
			rest -= b->m;
			quotient |= 1;
		}
		carry = (uint8_t)(rest >> 63);
		rest <<= 1;
	}
	a->m = quotient << (64 - n) | (carry || rest != 0);
	a->e = (int16_t)(a->e - b->e);
	if (quotient == 0)
		a->m = 0;
	normalise(a);
}

/* Digit by digit; the rest tells how to round. */
static void square_root(number *a)
{
	if (a->m == 0 && a->kind == FINITE)
		return;
	if (a->sign)
		a->kind = NAN;
	if (a->kind != FINITE)
		return;
	uint64_t x = a->m >> (a->e & 1 ? 9 : 10), root = 0, rest = 0;
	for (uint64_t bit = (uint64_t)1 << 53; bit != 0; bit >>= 1) {
		uint64_t trial = rest + bit;
		if (trial <= x) {
			rest = trial + bit;
			x -= trial;
			root |= bit;
		}
		x <<= 1;
	}
	a->m = root << 10 | (x != 0);
	a->e = (int16_t)((a->e - (a->e & 1)) / 2);
}

enum { CEIL, FLOOR, TRUNC, NEAREST };

static void to_whole(number *a, uint8_t how)
{
	if (a->kind != FINITE || a->m == 0 || a->e >= 63)
		return;
	/* What is behind the point, and what before it. */
	uint64_t below = a->e >= 0 ? a->m << 1 << a->e : a->e == -1 ? a->m : 1;
	uint64_t whole = a->e >= 0 ? a->m >> (63 - a->e) : 0;
	if (how == CEIL)
		whole += !a->sign && below != 0;
	else if (how == FLOOR)
		whole += a->sign && below != 0;
	else if (how == NEAREST)
		whole += below > TOP || (below == TOP && whole & 1);
	a->m = whole;
	a->e = 63;
	normalise(a);
}

/* --- the instructions ------------------------------------------------------- */

/* A number's bits as an integer that is ordered as numbers are; both zeros are one. */
static int64_t order(const fescue_slot *s, uint8_t wide)
{
	uint64_t b = bits_of(s, wide);
	return (int64_t)(b & TOP ? TOP - b : b);
}

enum { EQ, NE, LT, GT, LE, GE };

static uint8_t compare(const fescue_slot *x, const fescue_slot *y, uint8_t wide, uint8_t what)
{
	number a, b;
	unpack(x, wide, &a);
	unpack(y, wide, &b);
	if (a.kind == NAN || b.kind == NAN)
		return what == NE;
	int64_t i = order(x, wide), j = order(y, wide);
	if (i == j)
		return what == EQ || what >= LE;
	return what == NE || (what != EQ && (what & 1) == (i > j));
}

#if FESCUE_VM_NATIVE
#define NATIVE(member, op) \
	switch (op) { \
	case ADD: x->member += y->member; return; \
	case SUB: x->member -= y->member; return; \
	case MUL: x->member *= y->member; return; \
	case DIV: x->member /= y->member; return; \
	}
#endif

enum { ABS, NEG, CEIL_OP, SQRT = 6, ADD, SUB, MUL, DIV, MIN, MAX, COPYSIGN };

static void two(fescue_slot *x, fescue_slot *y, uint8_t wide, uint8_t op)
{
	uint64_t i = bits_of(x, wide), j = bits_of(y, wide);
	number a, b;
	if (op == COPYSIGN) {
		set_bits(x, wide, (i & ~TOP) | (j & TOP));
		return;
	}
#if FESCUE_VM_NATIVE && FESCUE_VM_F64
	if (wide)
		NATIVE(f64, op)
	else
		NATIVE(f32, op)
#endif
	unpack(x, wide, &a);
	unpack(y, wide, &b);
	if (a.kind == NAN || b.kind == NAN) {
		a.kind = NAN;
	} else if (op >= MIN) {
		int64_t p = order(x, wide), q = order(y, wide);
		if (p == q) /* -0 is less than 0 */
			i = op == MIN ? i | j : i & j;
		else if ((op == MIN) != (p < q))
			i = j;
		set_bits(x, wide, i);
		return;
	} else if (op == MUL) {
		multiply(&a, &b);
	} else if (op == DIV) {
		divide(&a, &b, wide);
	} else {
		b.sign ^= op == SUB;
		add(&a, &b);
	}
	pack(x, wide, &a);
}

static void one(fescue_slot *x, uint8_t wide, uint8_t op)
{
	uint64_t bits = bits_of(x, wide);
	number a;
	if (op <= NEG) {
		set_bits(x, wide, op == ABS ? bits & ~TOP : bits ^ TOP);
		return;
	}
	unpack(x, wide, &a);
	if (op == SQRT)
		square_root(&a);
	else
		to_whole(&a, (uint8_t)(op - CEIL_OP));
	pack(x, wide, &a);
}

/* To an integer of 32 or 64 bits; saturate: to the nearest there is, never a trap. */
static fescue_trap to_integer(fescue_slot *x, uint8_t wide, uint8_t is_64, uint8_t is_unsigned, uint8_t saturate)
{
	number a;
	unpack(x, wide, &a);
	uint64_t least = is_unsigned ? 0 : is_64 ? TOP : TOP >> 32, most = is_unsigned ? (is_64 ? ~(uint64_t)0 : 0xffffffff) : least - 1;
	uint64_t v = a.e < 0 ? 0 : a.e > 63 ? ~(uint64_t)0 : a.m >> (63 - a.e), bound = a.sign ? least : most;
	fescue_trap trap = FESCUE_TRAP_NONE;
	if (a.kind == NAN) {
		v = 0;
		trap = FESCUE_TRAP_CONVERSION;
	} else if (a.kind == INFINITE || a.e > 63 || v > bound) {
		v = bound;
		trap = FESCUE_TRAP_OVERFLOW;
	}
	if (a.sign)
		v = ~v + 1;
#if FESCUE_VM_INT64
	if (is_64)
		x->i64 = v;
	else
#endif
		x->i32 = (uint32_t)v;
	return saturate ? FESCUE_TRAP_NONE : trap;
}

static void from_integer(fescue_slot *x, uint8_t wide, uint8_t is_64, uint8_t is_unsigned)
{
	number a = {.e = 63};
#if FESCUE_VM_INT64
	if (is_64)
		a.m = x->i64;
	else
#endif
		a.m = is_unsigned ? x->i32 : (uint64_t)(int32_t)x->i32;
	(void)is_64;
	if (!is_unsigned && a.m & TOP) {
		a.sign = 1;
		a.m = ~a.m + 1;
	}
	normalise(&a);
	pack(x, wide, &a);
}

static void convert(fescue_slot *x, uint8_t from, uint8_t to)
{
	number a;
	unpack(x, from, &a);
	pack(x, to, &a);
}

uint8_t vm_float(uint8_t op, fescue_slot *sp, uint8_t saturate)
{
	uint8_t wide;
	fescue_slot *x = sp - 1, *y = sp - 2;
	if (op <= 0x66) {
		wide = op >= 0x61;
		y->i32 = compare(y, x, wide, (uint8_t)(op - (wide ? 0x61 : 0x5b)));
		return VM_ONE_LESS;
	}
	if (op <= 0xa6) {
		wide = op >= 0x99;
		op = (uint8_t)(op - (wide ? 0x99 : 0x8b));
		if (op <= SQRT) {
			one(x, wide, op);
			return FESCUE_TRAP_NONE;
		}
		two(y, x, wide, op);
		return VM_ONE_LESS;
	}
	if (op <= 0xb1) {
		/* From f32, f32, f64, f64 to i32: 0xa8; to i64: 0xae. */
		uint8_t is_64 = op >= 0xae, k = (uint8_t)(op - (is_64 ? 0xae : 0xa8));
		return (uint8_t)to_integer(x, k >> 1, is_64, k & 1, saturate);
	}
	if (op == 0xb6 || op == 0xbb) {
		convert(x, op == 0xb6, op == 0xbb);
	} else if (op <= 0xba) {
		/* From i32, i32, i64, i64 to f32: 0xb2; to f64: 0xb7. */
		wide = op >= 0xb7;
		op = (uint8_t)(op - (wide ? 0xb7 : 0xb2));
		from_integer(x, wide, op >> 1, op & 1);
	}
	return FESCUE_TRAP_NONE; /* 0xbc to 0xbf: the bits as they are */
}

#endif
