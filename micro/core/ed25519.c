/* The check of an Ed25519 signature, after RFC 8032, sections 5.1.3 to 5.1.7. It is
 * short rather than fast, and takes a time that depends on its input: nothing here is
 * secret. */
#include "fescue_config.h"

#if FESCUE_SIGNATURES
#include "fescue_ed25519.h"

#include <string.h>

/* An element of the field modulo p = 2^255 - 19: any number of 256 bits, since 2^256 is
 * as good as 38. Words are little-endian, as is the processor. */
typedef struct {
	uint32_t v[8];
} field;

/* d of the curve, twice; a square root of -1; the base point; and the order of its group,
 * which is no element but as long. */
enum { TWICE_D, ROOT, BASE_X, BASE_Y, ORDER };
static const uint32_t constants[][8] FESCUE_ROM = {
	{0x26b2f159, 0xebd69b94, 0x8283b156, 0x00e0149a, 0xeef3d130, 0x198e80f2, 0x56dffce7, 0x2406d9dc},
	{0x4a0ea0b0, 0xc4ee1b27, 0xad2fe478, 0x2f431806, 0x3dfbd7a7, 0x2b4d0099, 0x4fc1df0b, 0x2b832480},
	{0x8f25d51a, 0xc9562d60, 0x9525a7b2, 0x692cc760, 0xfdd6dc5c, 0xc0a4e231, 0xcd6e53fe, 0x216936d3},
	{0x66666658, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666},
	{0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0x00000000, 0x00000000, 0x00000000, 0x10000000},
};

static void load(field *r, uint8_t constant)
{
	for (uint8_t i = 0; i < 8; i++)
		r->v[i] = FESCUE_ROM_WORD(&constants[constant][i]);
}

/* Adds a number of any sign, and gives what is beyond 256 bits. */
static int64_t carry(field *r, int64_t c)
{
	for (uint8_t i = 0; i < 8; i++) {
		c += r->v[i];
		r->v[i] = (uint32_t)c;
		c >>= 32;
	}
	return c;
}

static void fold(field *r, int64_t c)
{
	while (c != 0)
		c = carry(r, c * 38);
}

/* a + b, or a - b with a sign of -1. */
static void sum(field *r, const field *a, const field *b, int8_t sign)
{
	int64_t c = 0;
	for (uint8_t i = 0; i < 8; i++) {
		c += (int64_t)a->v[i] + sign * (int64_t)b->v[i];
		r->v[i] = (uint32_t)c;
		c >>= 32;
	}
	fold(r, c);
}

static void multiply(field *r, const field *a, const field *b)
{
	uint32_t product[16] = {0};
	uint64_t c;
	for (uint8_t i = 0; i < 8; i++) {
		c = 0;
		for (uint8_t j = 0; j < 8; j++) {
			c += (uint64_t)a->v[i] * b->v[j] + product[i + j];
			product[i + j] = (uint32_t)c;
			c >>= 32;
		}
		product[i + 8] = (uint32_t)c;
	}
	c = 0;
	for (uint8_t i = 0; i < 8; i++) {
		c += (uint64_t)product[i + 8] * 38 + product[i];
		r->v[i] = (uint32_t)c;
		c >>= 32;
	}
	fold(r, (int64_t)c);
}

/* The one form of a number that is less than p. */
static void freeze(field *r)
{
	for (uint8_t i = 0; i < 2; i++) {
		uint32_t top = r->v[7] >> 31;
		r->v[7] &= 0x7fffffff;
		carry(r, top * 19);
	}
	field over = *r;
	carry(&over, 19);
	if (over.v[7] >> 31 == 0)
		return;
	*r = over;
	r->v[7] &= 0x7fffffff;
}

static uint8_t equal(const field *a, const field *b)
{
	static const field zero;
	field difference;
	sum(&difference, a, b, -1);
	freeze(&difference);
	return memcmp(&difference, &zero, sizeof zero) == 0;
}

/* a to the power 2^n - 1 - zeros. */
static void power(field *r, const field *a, uint8_t n, uint8_t zeros)
{
	field base = *a, out = *a;
	while (n-- > 1) {
		multiply(&out, &out, &out);
		if (n > 8 || !(zeros >> (n - 1) & 1))
			multiply(&out, &out, &base);
	}
	*r = out;
}

/* A point x/z, y/z of the curve, with t = xy/z. */
typedef struct {
	field x, y, z, t;
} point;

static void complete(point *p)
{
	memset(&p->z, 0, sizeof p->z);
	p->z.v[0] = 1;
	multiply(&p->t, &p->x, &p->y);
}

/* The sum of any two points, be they the same. */
static void add(point *r, const point *p, const point *q)
{
	field a, b, c, d, e;
	sum(&a, &p->y, &p->x, -1);
	sum(&b, &q->y, &q->x, -1);
	multiply(&a, &a, &b);
	sum(&b, &p->y, &p->x, 1);
	sum(&c, &q->y, &q->x, 1);
	multiply(&b, &b, &c);
	load(&c, TWICE_D);
	multiply(&c, &c, &p->t);
	multiply(&c, &c, &q->t);
	multiply(&d, &p->z, &q->z);
	sum(&d, &d, &d, 1);
	sum(&e, &b, &a, -1);
	sum(&b, &b, &a, 1);
	sum(&a, &d, &c, -1);
	sum(&d, &d, &c, 1);
	multiply(&r->x, &e, &a);
	multiply(&r->y, &d, &b);
	multiply(&r->z, &a, &d);
	multiply(&r->t, &e, &b);
}

/* The negative of the point that a key names; 0: it names none, or one by a form that is
 * not its own. */
static uint8_t negative(point *p, const uint8_t key[32])
{
	field u, v, w, one = {{1}};
	memcpy(&p->y, key, sizeof p->y);
	p->y.v[7] &= 0x7fffffff;
	w = p->y;
	freeze(&w);
	if (memcmp(&w, &p->y, sizeof w) != 0)
		return 0;
	/* x is a root of u/v = (y^2 - 1) / (d y^2 + 1). */
	multiply(&w, &p->y, &p->y);
	sum(&u, &w, &one, -1);
	sum(&u, &u, &u, 1);
	load(&v, TWICE_D);
	multiply(&v, &v, &w);
	sum(&v, &v, &one, 1);
	sum(&v, &v, &one, 1); /* both doubled, as d is */
	multiply(&w, &v, &v);
	multiply(&w, &w, &v);
	multiply(&p->x, &u, &w);
	multiply(&w, &w, &v);
	multiply(&w, &w, &p->x);
	power(&w, &w, 252, 2); /* (p - 5) / 8 */
	multiply(&p->x, &p->x, &w);
	multiply(&w, &p->x, &p->x);
	multiply(&w, &w, &v);
	if (!equal(&w, &u)) {
		sum(&u, &w, &u, 1);
		memset(&v, 0, sizeof v);
		if (!equal(&u, &v))
			return 0;
		load(&u, ROOT);
		multiply(&p->x, &p->x, &u);
	}
	freeze(&p->x);
	memset(&v, 0, sizeof v);
	if (equal(&p->x, &v))
		return key[31] >> 7 == 0;
	if ((p->x.v[0] & 1) == key[31] >> 7) {
		sum(&p->x, &v, &p->x, -1);
		freeze(&p->x);
	}
	return 1;
}

/* Whether a number is less than the order. */
static uint8_t less(const field *a, const field *order)
{
	for (uint8_t i = 8; i > 0; i--)
		if (a->v[i - 1] != order->v[i - 1])
			return a->v[i - 1] < order->v[i - 1];
	return 0;
}

/* A digest modulo the order, bit by bit. */
static void reduce(field *r, const uint8_t digest[64], const field *order)
{
	memset(r, 0, sizeof *r);
	for (uint16_t i = 512; i > 0; i--) {
		uint32_t bit = digest[(i - 1) / 8] >> (i - 1) % 8 & 1;
		for (uint8_t j = 0; j < 8; j++) {
			uint32_t top = r->v[j] >> 31;
			r->v[j] = r->v[j] << 1 | bit;
			bit = top;
		}
		if (!less(r, order)) {
			int64_t c = 0;
			for (uint8_t j = 0; j < 8; j++) {
				c += (int64_t)r->v[j] - order->v[j];
				r->v[j] = (uint32_t)c;
				c >>= 32;
			}
		}
	}
}

static uint8_t bit(const field *a, uint8_t i) { return a->v[i / 32] >> i % 32 & 1; }

void fescue_ed25519_begin(fescue_sha512 *s, const uint8_t key[32], const uint8_t signature[64])
{
	fescue_sha512_begin(s);
	fescue_sha512_add(s, signature, 32);
	fescue_sha512_add(s, key, 32);
}

/* R must be sB - kA: both are multiplied in one go, with the sums of the two made before. */
uint8_t fescue_ed25519_end(fescue_sha512 *s, const uint8_t key[32], const uint8_t signature[64])
{
	uint8_t digest[64];
	field order, scalar, k;
	point of[4], r; /* neither, B, -A, both */
	memcpy(&scalar, signature + 32, sizeof scalar);
	load(&order, ORDER);
	if (!less(&scalar, &order) || !negative(&of[2], key))
		return 0;
	fescue_sha512_end(s, digest);
	reduce(&k, digest, &order);
	memset(&r, 0, sizeof r);
	r.y.v[0] = 1;
	complete(&r);
	load(&of[1].x, BASE_X);
	load(&of[1].y, BASE_Y);
	complete(&of[1]);
	complete(&of[2]);
	add(&of[3], &of[1], &of[2]);
	for (uint8_t i = 255; i-- > 0;) {
		uint8_t which = (uint8_t)(bit(&scalar, i) | bit(&k, i) << 1);
		add(&r, &r, &r);
		if (which)
			add(&r, &r, &of[which]);
	}
	power(&r.z, &r.z, 255, 20); /* p - 2: the inverse */
	multiply(&r.x, &r.x, &r.z);
	multiply(&r.y, &r.y, &r.z);
	freeze(&r.x);
	freeze(&r.y);
	r.y.v[7] |= r.x.v[0] << 31;
	return memcmp(&r.y, signature, sizeof r.y) == 0;
}
#else
typedef int fescue_no_ed25519; /* a file of C is not empty */
#endif
