#include "fescue_sha256.h"

#include <string.h>

#include "fescue_config.h"

const uint32_t fescue_sha2_k[] FESCUE_ROM = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
	0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
	0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
	0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
	0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
#if FESCUE_SIGNATURES
	0xca273ece, 0xd186b8c7, 0xeada7dd6, 0xf57d4f7f, 0x06f067aa, 0x0a637dc5, 0x113f9804, 0x1b710b35, 0x28db77f5, 0x32caab7b, 0x3c9ebe0a,
	0x431d67c4, 0x4cc5d4be, 0x597f299c, 0x5fcb6fab, 0x6c44198c,
#endif
};

const uint32_t fescue_sha2_initial[8] FESCUE_ROM = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static uint32_t rotate(uint32_t x, uint8_t n) { return x >> n | x << (32 - n); }

/* x, rotated right by each of the three; the highest bit of the last says that it is
 * shifted instead. An 8-bit processor, for which this is long, has the code once. */
enum { SHIFT = 0x80 };
FESCUE_APART static uint32_t sigma(uint32_t x, uint8_t a, uint8_t b, uint8_t c)
{
	return rotate(x, a) ^ rotate(x, b) ^ (c & SHIFT ? x >> (c & 0x1f) : rotate(x, c));
}

/* The message schedule is kept in a ring of 16 words, which spares 192 bytes of
 * stack. */
static void compress(fescue_sha256 *s)
{
	uint32_t w[16] = {0}, v[8];
	const uint8_t *p = s->block;
	for (uint8_t i = 0; i < 64; i++, p++)
		w[i / 4] = w[i / 4] << 8 | *p;
	memcpy(v, s->state, sizeof v);
	for (uint8_t i = 0; i < 64; i++) {
		uint32_t *x = &w[i & 15];
		if (i >= 16)
			*x += sigma(w[(i + 1) & 15], 7, 18, 3 | SHIFT) + w[(i + 9) & 15] + sigma(w[(i + 14) & 15], 17, 19, 10 | SHIFT);
		uint32_t t = v[7] + sigma(v[4], 6, 11, 25) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + FESCUE_ROM_WORD(&fescue_sha2_k[i]) + *x;
		uint32_t u = sigma(v[0], 2, 13, 22) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof *v);
		v[4] += t;
		v[0] = t + u;
	}
	for (uint8_t i = 0; i < 8; i++)
		s->state[i] += v[i];
}

void fescue_sha256_begin(fescue_sha256 *s)
{
	for (uint8_t i = 0; i < 8; i++)
		s->state[i] = FESCUE_ROM_WORD(&fescue_sha2_initial[i]);
	s->length = 0;
}

static void add_byte(fescue_sha256 *s, uint8_t b)
{
	s->block[s->length++ & 63] = b;
	if ((s->length & 63) == 0)
		compress(s);
}

void fescue_sha256_add(fescue_sha256 *s, const uint8_t *p, uint16_t n)
{
	while (n-- > 0)
		add_byte(s, *p++);
}

void fescue_sha256_end(fescue_sha256 *s, uint8_t digest[32])
{
	uint32_t bytes = s->length;
	add_byte(s, 0x80);
	while ((s->length & 63) != 56)
		add_byte(s, 0);
	/* The length in bits, which has 35 of them at most. */
	for (uint8_t i = 0; i < 3; i++)
		add_byte(s, 0);
	add_byte(s, (uint8_t)(bytes >> 29));
	bytes <<= 3;
	for (uint8_t i = 4; i > 0; bytes <<= 8, i--)
		add_byte(s, (uint8_t)(bytes >> 24));
	for (uint8_t i = 0; i < 8; i++)
		for (uint8_t j = 4; j > 0; s->state[i] <<= 8, j--)
			*digest++ = (uint8_t)(s->state[i] >> 24);
}

static void pad(fescue_sha256 *s, const uint8_t key[32], uint8_t with)
{
	fescue_sha256_begin(s);
	for (uint8_t i = 0; i < 64; i++)
		add_byte(s, (uint8_t)((i < 32 ? key[i] : 0) ^ with));
}

void fescue_hmac_begin(fescue_sha256 *s, const uint8_t key[32]) { pad(s, key, 0x36); }

void fescue_hmac_end(fescue_sha256 *s, const uint8_t key[32], uint8_t tag[32])
{
	fescue_sha256_end(s, tag);
	pad(s, key, 0x5c);
	fescue_sha256_add(s, tag, 32);
	fescue_sha256_end(s, tag);
}
