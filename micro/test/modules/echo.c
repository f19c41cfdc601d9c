#include <fescue.h>

static char buffer[48];

FESCUE_HANDLER int handle(void)
{
	int n = fescue_event(buffer, sizeof buffer);
	return fescue_reply(buffer, (unsigned)n < sizeof buffer ? (unsigned)n : sizeof buffer);
}
