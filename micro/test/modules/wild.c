/* Writes where the event says, if it says anything. */
#include <fescue.h>

FESCUE_HANDLER int handle(void)
{
	unsigned where = 0;
	if (fescue_event(&where, sizeof where) == sizeof where)
		*(volatile int *)where = 1;
	return 0;
}
