#include <fescue.h>

static volatile int turns;

FESCUE_HANDLER int handle(void)
{
	for (;;)
		turns++;
}
