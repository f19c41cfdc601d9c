/* Fuzzing of signatures: key, signature and message are the input. No message that the
 * fuzzer can make has one of the key that is tried besides. */
#include <string.h>

#include "../../core/fescue_ed25519.h"

static uint8_t takes(const uint8_t key[32], const uint8_t signature[64], const uint8_t *p, size_t n)
{
	fescue_sha512 s;
	fescue_ed25519_begin(&s, key, signature);
	fescue_sha512_add(&s, p, (uint16_t)n);
	return fescue_ed25519_end(&s, key, signature);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The first key of RFC 8032, section 7.1. */
	static const uint8_t key[32] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
	                                0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
	if (size < 96)
		return 0;
	takes(data, data + 32, data + 96, size - 96);
	if (size > 96 && takes(key, data + 32, data + 96, size - 96))
		__builtin_trap();
	return 0;
}
