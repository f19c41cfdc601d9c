/* Version 2 of echo: everything twice. */
#include <fescue.h>

static char buffer[48];

FESCUE_HANDLER int handle(void)
{
	int n = fescue_event(buffer, sizeof buffer / 2);
	for (int i = 0; i < n; i++)
		buffer[n + i] = buffer[i];
	return fescue_reply(buffer, 2 * (unsigned)n);
}
