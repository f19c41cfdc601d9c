/* Answers how often it was called since it was started, and whether the time is known. */
#include <fescue.h>

static char text[2];
static int calls;

FESCUE_HANDLER int handle(void)
{
	text[0] = (char)('0' + ++calls);
	text[1] = fescue_time() > 1700000000000 ? 't' : '-';
	return fescue_reply(text, sizeof text);
}
