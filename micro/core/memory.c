/* The five functions of a C library that the core uses, for programs that have no others
 * of it: 150 bytes instead of the 800 of a library that is made for speed. */
#include "fescue_config.h"

#if FESCUE_MEMORY
#include <stddef.h>
#include <stdint.h>

/* The compiler shall not make calls of these functions of the loops in them, and keep them,
 * since it makes calls of them elsewhere when it has already looked for unused ones. */
#define KEEP __attribute__((used, optimize("no-tree-loop-distribute-patterns")))

KEEP void *memmove(void *to, const void *from, size_t n)
{
	uint8_t *p = to;
	const uint8_t *q = from;
	if (p <= q)
		while (n-- > 0)
			*p++ = *q++;
	else
		while (n-- > 0)
			p[n] = q[n];
	return to;
}

KEEP void *memcpy(void *to, const void *from, size_t n) { return memmove(to, from, n); }

KEEP void *memset(void *to, int value, size_t n)
{
	for (uint8_t *p = to; n > 0; n--)
		*p++ = (uint8_t)value;
	return to;
}

KEEP int memcmp(const void *a, const void *b, size_t n)
{
	for (const uint8_t *p = a, *q = b; n > 0; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

KEEP size_t strlen(const char *s)
{
	size_t n = 0;
	while (s[n] != 0)
		n++;
	return n;
}
#else
typedef int fescue_no_memory; /* a file of C is not empty */
#endif
