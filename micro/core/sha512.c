#include "fescue_config.h"

#if FESCUE_SIGNATURES
#include <string.h>

#include "fescue_ed25519.h"
#include "fescue_sha256.h"

/* The constants' lower halves; the upper ones are SHA-256's. */
static const uint32_t k[80] FESCUE_ROM = {
	0xd728ae22, 0x23ef65cd, 0xec4d3b2f, 0x8189dbbc, 0xf348b538, 0xb605d019, 0xaf194f9b, 0xda6d8118, 0xa3030242, 0x45706fbe, 0x4ee4b28c,
	0xd5ffb4e2, 0xf27b896f, 0x3b1696b1, 0x25c71235, 0xcf692694, 0x9ef14ad2, 0x384f25e3, 0x8b8cd5b5, 0x77ac9c65, 0x592b0275, 0x6ea6e483,
	0xbd41fbd4, 0x831153b5, 0xee66dfab, 0x2db43210, 0x98fb213f, 0xbeef0ee4, 0x3da88fc2, 0x930aa725, 0xe003826f, 0x0a0e6e70, 0x46d22ffc,
	0x5c26c926, 0x5ac42aed, 0x9d95b3df, 0x8baf63de, 0x3c77b2a8, 0x47edaee6, 0x1482353b, 0x4cf10364, 0xbc423001, 0xd0f89791, 0x0654be30,
	0xd6ef5218, 0x5565a910, 0x5771202a, 0x32bbd1b8, 0xb8d2d0c8, 0x5141ab53, 0xdf8eeb99, 0xe19b48a8, 0xc5c95a63, 0xe3418acb, 0x7763e373,
	0xd6b2b8a3, 0x5defb2fc, 0x43172f60, 0xa1f0ab72, 0x1a6439ec, 0x23631e28, 0xde82bde9, 0xb2c67915, 0xe372532b, 0xea26619c, 0x21c0c207,
	0xcde0eb1e, 0xee6ed178, 0x72176fba, 0xa2c898a6, 0xbef90dae, 0x131c471b, 0x23047d84, 0x40c72493, 0x15c9bebc, 0x9c100d4c, 0xcb3e42b6,
	0xfc657e2a, 0x3ad6faec, 0x4a475817};

static const uint32_t initial[8] FESCUE_ROM = {0xf3bcc908, 0x84caa73b, 0xfe94f82b, 0x5f1d36f1,
                                               0xade682d1, 0x2b3e6c1f, 0xfb41bd6b, 0x137e2179};

static uint64_t constant(const uint32_t *high, const uint32_t *low)
{
	return (uint64_t)FESCUE_ROM_WORD(high) << 32 | FESCUE_ROM_WORD(low);
}

static uint64_t rotate(uint64_t x, uint8_t n) { return x >> n | x << (64 - n); }

/* x, rotated right by each of the three; the highest bit of the last says that it is
 * shifted instead. */
enum { SHIFT = 0x80 };
static uint64_t sigma(uint64_t x, uint8_t a, uint8_t b, uint8_t c)
{
	return rotate(x, a) ^ rotate(x, b) ^ (c & SHIFT ? x >> (c & 0x3f) : rotate(x, c));
}

static void compress(fescue_sha512 *s)
{
	uint64_t w[16] = {0}, v[8];
	for (uint8_t i = 0; i < 128; i++)
		w[i / 8] = w[i / 8] << 8 | s->block[i];
	memcpy(v, s->state, sizeof v);
	for (uint8_t i = 0; i < 80; i++) {
		uint64_t *x = &w[i & 15];
		if (i >= 16)
			*x += sigma(w[(i + 1) & 15], 1, 8, 7 | SHIFT) + w[(i + 9) & 15] + sigma(w[(i + 14) & 15], 19, 61, 6 | SHIFT);
		uint64_t t = v[7] + sigma(v[4], 14, 18, 41) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + constant(&fescue_sha2_k[i], &k[i]) + *x;
		uint64_t u = sigma(v[0], 28, 34, 39) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof *v);
		v[4] += t;
		v[0] = t + u;
	}
	for (uint8_t i = 0; i < 8; i++)
		s->state[i] += v[i];
}

void fescue_sha512_begin(fescue_sha512 *s)
{
	for (uint8_t i = 0; i < 8; i++)
		s->state[i] = constant(&fescue_sha2_initial[i], &initial[i]);
	s->length = 0;
}

static void add_byte(fescue_sha512 *s, uint8_t b)
{
	s->block[s->length++ & 127] = b;
	if ((s->length & 127) == 0)
		compress(s);
}

void fescue_sha512_add(fescue_sha512 *s, const uint8_t *p, uint16_t n)
{
	while (n-- > 0)
		add_byte(s, *p++);
}

void fescue_sha512_end(fescue_sha512 *s, uint8_t digest[64])
{
	uint64_t bits = (uint64_t)s->length << 3;
	add_byte(s, 0x80);
	while ((s->length & 127) != 112)
		add_byte(s, 0);
	for (uint8_t i = 0; i < 8; i++) /* the length has 128 bits */
		add_byte(s, 0);
	for (uint8_t i = 64; i > 0; i -= 8)
		add_byte(s, (uint8_t)(bits >> (i - 8)));
	for (uint8_t i = 0; i < 64; i++)
		digest[i] = (uint8_t)(s->state[i / 8] >> (56 - i % 8 * 8));
}
#else
typedef int fescue_no_sha512; /* a file of C is not empty */
#endif
