/* Ed25519 and its field as a process, for tests: commands on stdin, a line of answer each.
 * Values are hexadecimal, elements little-endian; "-" is nothing.
 *
 *     verify KEY SIGNATURE MESSAGE    0 | 1
 *     sha512 MESSAGE                  DIGEST
 *     multiply|add|subtract A B       ELEMENT, in its one form */
#include "../../core/ed25519.c"

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 1 << 16 };

static size_t parse(const char *hex, uint8_t *out)
{
	size_t n = hex[0] == '-' ? 0 : strlen(hex) / 2;
	for (size_t i = 0; i < n; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

static void print(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%02x", ((const uint8_t *)p)[i]);
	putchar('\n');
}

static void verify(const char *key_hex, const char *signature_hex, const uint8_t *message, size_t n)
{
	uint8_t key[32], signature[64];
	fescue_sha512 s;
	parse(key_hex, key);
	parse(signature_hex, signature);
	fescue_ed25519_begin(&s, key, signature);
	fescue_sha512_add(&s, message, (uint16_t)n);
	printf("%d\n", fescue_ed25519_end(&s, key, signature));
}

static void sha512(const uint8_t *message, size_t n)
{
	uint8_t digest[64];
	fescue_sha512 s;
	fescue_sha512_begin(&s);
	for (size_t at = 0; at < n; at += 100) /* in parts, which do not fit the blocks */
		fescue_sha512_add(&s, message + at, (uint16_t)(n - at < 100 ? n - at : 100));
	fescue_sha512_end(&s, digest);
	print(digest, sizeof digest);
}

static void compute(char operation, const char *a_hex, const char *b_hex)
{
	field a, b, r;
	parse(a_hex, (uint8_t *)&a);
	parse(b_hex, (uint8_t *)&b);
	if (operation == 'm')
		multiply(&r, &a, &b);
	else
		sum(&r, &a, &b, operation == 'a' ? 1 : -1);
	freeze(&r);
	print(&r, sizeof r);
}

int main(void)
{
	static char line[2 * MOST + 512];
	static uint8_t message[MOST];
	while (fgets(line, sizeof line, stdin) != NULL) {
		char *word = strtok(line, " \n"), *a = strtok(NULL, " \n"), *b = strtok(NULL, " \n"), *c = strtok(NULL, " \n");
		if (word[0] == 'v')
			verify(a, b, message, parse(c, message));
		else if (word[0] == 's' && word[1] == 'h')
			sha512(message, parse(a, message));
		else
			compute(word[0], a, b);
		fflush(stdout);
	}
	return 0;
}
