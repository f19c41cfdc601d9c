/* Rounding, roots, least and greatest as WebAssembly wants them, without a
 * mathematical library. */
#include "vm_internal.h"

#if FESCUE_VM_F32

static uint32_t bits32(float x) { uint32_t b; memcpy(&b, &x, sizeof b); return b; }
static float float32(uint32_t b) { float x; memcpy(&x, &b, sizeof x); return x; }

/* Whether a number with these bits behind the point is rounded away from zero.
 * below: the bits cut off; half: the value of their highest; odd: the last bit kept. */
#define AWAY(how, negative, below, half, odd) \
	((how) == ROUND_CEIL ? !(negative) && (below) != 0 : (how) == ROUND_FLOOR ? (negative) && (below) != 0 \
	 : (how) == ROUND_NEAREST && ((below) > (half) || ((below) == (half) && (odd))))

float vm_f32_round(float x, uint8_t how)
{
	uint32_t b = bits32(x), sign = b & 0x80000000;
	int exponent = (int)(b >> 23 & 0xff) - 127;
	if (exponent >= 23)
		return x + 0.0f; /* whole already; NaN becomes quiet */
	if (exponent < 0) { /* between -1 and 1 */
		uint32_t size = b & 0x7fffffff;
		int away = AWAY(how, sign, size, 0x3f000000u, 0);
		return float32(sign | (away ? 0x3f800000u : 0));
	}
	uint32_t unit = (uint32_t)1 << (23 - exponent), below = b & (unit - 1);
	/* The lowest kept bit may be the one above the fraction, which is not stored: 1. */
	int odd = exponent == 0 || (b & unit) != 0;
	if (AWAY(how, sign, below, unit >> 1, odd))
		b += unit; /* a carry goes into the exponent, as it should */
	return float32(b & ~(unit - 1));
}

/* Digit by digit on the integer fraction; the rest tells how to round. */
float vm_f32_sqrt(float x)
{
	uint32_t b = bits32(x);
	if ((b & 0x7fffffff) == 0 || b == 0x7f800000)
		return x;
	if (b >> 31 || (b & 0x7fffffff) > 0x7f800000)
		return (b & 0x7fffffff) > 0x7f800000 ? x + x : float32(0x7fc00000);
	int exponent = (int)(b >> 23);
	uint32_t fraction = b & 0x7fffff;
	if (exponent == 0)
		for (exponent = 1; !(fraction & 0x800000); exponent--)
			fraction <<= 1;
	fraction |= 0x800000;
	exponent -= 127;
	if (exponent & 1)
		fraction <<= 1;
	exponent = (exponent - (exponent & 1)) / 2;
	uint32_t root = 0, rest = 0, bit;
	fraction <<= 1;
	for (bit = 0x1000000; bit != 0; bit >>= 1) {
		uint32_t trial = rest + bit;
		if (trial <= fraction) {
			rest = trial + bit;
			fraction -= trial;
			root += bit;
		}
		fraction <<= 1;
	}
	if (fraction != 0)
		root += root & 1;
	return float32((root >> 1) + ((uint32_t)(exponent + 126) << 23));
}

float vm_f32_min(float a, float b)
{
	if (a != a || b != b)
		return a + b;
	if (a == b)
		return float32(bits32(a) | bits32(b)); /* -0 is less than 0 */
	return a < b ? a : b;
}

float vm_f32_max(float a, float b)
{
	if (a != a || b != b)
		return a + b;
	if (a == b)
		return float32(bits32(a) & bits32(b));
	return a > b ? a : b;
}

#endif

#if FESCUE_VM_F64

static uint64_t bits64(double x) { uint64_t b; memcpy(&b, &x, sizeof b); return b; }
static double float64(uint64_t b) { double x; memcpy(&x, &b, sizeof x); return x; }

#define SIGN64 (1ull << 63)
#define INFINITY64 (0x7ffull << 52)

double vm_f64_round(double x, uint8_t how)
{
	uint64_t b = bits64(x), sign = b & SIGN64;
	int exponent = (int)(b >> 52 & 0x7ff) - 1023;
	if (exponent >= 52)
		return x + 0.0;
	if (exponent < 0) {
		uint64_t size = b & ~SIGN64;
		int away = AWAY(how, sign, size, 0x3feull << 52, 0);
		return float64(sign | (away ? 0x3ffull << 52 : 0));
	}
	uint64_t unit = (uint64_t)1 << (52 - exponent), below = b & (unit - 1);
	int odd = exponent == 0 || (b & unit) != 0;
	if (AWAY(how, sign, below, unit >> 1, odd))
		b += unit;
	return float64(b & ~(unit - 1));
}

double vm_f64_sqrt(double x)
{
	uint64_t b = bits64(x);
	if ((b & ~SIGN64) == 0 || b == INFINITY64)
		return x;
	if (b & SIGN64 || b > INFINITY64)
		return (b & ~SIGN64) > INFINITY64 ? x + x : float64(0x7ff8ull << 48);
	int exponent = (int)(b >> 52);
	uint64_t fraction = b & ((1ull << 52) - 1);
	if (exponent == 0)
		for (exponent = 1; !(fraction & 1ull << 52); exponent--)
			fraction <<= 1;
	fraction |= 1ull << 52;
	exponent -= 1023;
	if (exponent & 1)
		fraction <<= 1;
	exponent = (exponent - (exponent & 1)) / 2;
	uint64_t root = 0, rest = 0, bit;
	fraction <<= 1;
	for (bit = 1ull << 53; bit != 0; bit >>= 1) {
		uint64_t trial = rest + bit;
		if (trial <= fraction) {
			rest = trial + bit;
			fraction -= trial;
			root += bit;
		}
		fraction <<= 1;
	}
	if (fraction != 0)
		root += root & 1;
	return float64((root >> 1) + ((uint64_t)(exponent + 1022) << 52));
}

double vm_f64_min(double a, double b)
{
	if (a != a || b != b)
		return a + b;
	if (a == b)
		return float64(bits64(a) | bits64(b));
	return a < b ? a : b;
}

double vm_f64_max(double a, double b)
{
	if (a != a || b != b)
		return a + b;
	if (a == b)
		return float64(bits64(a) & bits64(b));
	return a > b ? a : b;
}

#endif
