/* SHA-512 (FIPS 180-4) and the check of Ed25519 signatures (RFC 8032). Built with
 * FESCUE_SIGNATURES. */
#ifndef FESCUE_ED25519_H
#define FESCUE_ED25519_H

#include <stdint.h>

typedef struct {
	uint64_t state[8];
	uint32_t length; /* bytes so far */
	uint8_t block[128];
} fescue_sha512;

void fescue_sha512_begin(fescue_sha512 *s);
void fescue_sha512_add(fescue_sha512 *s, const uint8_t *p, uint16_t n);
void fescue_sha512_end(fescue_sha512 *s, uint8_t digest[64]);

/* Checks the signature of a message that is given in parts: begin, any number of
 * fescue_sha512_add, then end, which tells whether it is one of this public key. end
 * takes 1.5 KB of stack. */
void fescue_ed25519_begin(fescue_sha512 *s, const uint8_t key[32], const uint8_t signature[64]);
uint8_t fescue_ed25519_end(fescue_sha512 *s, const uint8_t key[32], const uint8_t signature[64]);

#endif
