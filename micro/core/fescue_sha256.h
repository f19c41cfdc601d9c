/* SHA-256 and HMAC-SHA256 (FIPS 180-4, RFC 2104). */
#ifndef FESCUE_SHA256_H
#define FESCUE_SHA256_H

#include <stdint.h>

typedef struct {
	uint32_t state[8];
	uint32_t length; /* bytes so far */
	uint8_t block[64];
} fescue_sha256;

void fescue_sha256_begin(fescue_sha256 *s);
void fescue_sha256_add(fescue_sha256 *s, const uint8_t *p, uint16_t n);
void fescue_sha256_end(fescue_sha256 *s, uint8_t digest[32]);

/* A keyed digest, in parts: begin, any number of fescue_sha256_add, end. The key
 * has 32 bytes. */
void fescue_hmac_begin(fescue_sha256 *s, const uint8_t key[32]);
void fescue_hmac_end(fescue_sha256 *s, const uint8_t key[32], uint8_t tag[32]);

/* Constants: the fractions of the cube roots of the first primes, and of the square
 * roots of the first eight. SHA-512's begin with the same 32 bits. */
extern const uint32_t fescue_sha2_k[], fescue_sha2_initial[8];

#endif
