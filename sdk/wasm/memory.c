/* What a compiler calls by itself, and a function may, too; what nobody calls is not
 * in the module. */
#include <stddef.h>

/* C++ registers destructors of global objects here; a module has no end at which
 * they would run. */
int __dso_handle;
int __cxa_atexit(void (*destroy)(void *), void *object, void *dso);
int __cxa_atexit(void (*destroy)(void *), void *object, void *dso)
{
	(void)destroy, (void)object, (void)dso;
	return 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;
	while (n-- > 0)
		*t++ = *f++;
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;
	if (t <= f)
		return memcpy(to, from, n);
	while (n-- > 0)
		t[n] = f[n];
	return to;
}

void *memset(void *to, int value, size_t n)
{
	unsigned char *t = to;
	while (n-- > 0)
		*t++ = (unsigned char)value;
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;
	for (; n > 0; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;
	while (s[n] != 0)
		n++;
	return n;
}
