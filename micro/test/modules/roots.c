/* The real roots of x² + px + q: p and q come as i32, in thousandths; the roots are
 * published as text, in thousandths. */
#include <fescue.h>

static char text[24];

static int root_of(unsigned n)
{
	unsigned r = 0;
	for (unsigned bit = 1u << 15; bit; bit >>= 1)
		if ((r + bit) * (r + bit) <= n)
			r += bit;
	return (int)r;
}

static char *decimal(char *at, int v)
{
	char digits[10];
	int n = 0;
	if (v < 0) {
		*at++ = '-';
		v = -v;
	}
	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

FESCUE_HANDLER int handle(void)
{
	int c[2];
	if (fescue_event(c, sizeof c) != sizeof c)
		return 2;
	int d = c[0] / 2 * (c[0] / 2) - 1000 * c[1];
	if (d < 0) {
		fescue_fail(FESCUE_TEXT("no real roots"));
		return 0;
	}
	int r = root_of((unsigned)d);
	char *end = decimal(text, -c[0] / 2 - r);
	*end++ = ' ';
	end = decimal(end, -c[0] / 2 + r);
	if (fescue_publish(FESCUE_TEXT("poly/roots"), text, (unsigned)(end - text)) != 0)
		return 3;
	fescue_log(FESCUE_INFO, FESCUE_TEXT("roots published"));
	return fescue_publish(FESCUE_TEXT("not/granted"), text, 1) == -FESCUE_DENIED ? 0 : 4;
}
