/* Counts its calls in its state, and answers with the number: what was acknowledged is
 * never lost. */
#include <fescue.h>

static int calls;

FESCUE_HANDLER int handle(void)
{
	int n = fescue_state_get(FESCUE_TEXT("calls"), &calls, sizeof calls);
	if (n != (int)sizeof calls && n != -FESCUE_NOT_FOUND)
		return 100 - n;
	calls++;
	int code = fescue_state_set(FESCUE_TEXT("calls"), &calls, sizeof calls);
	if (code != 0)
		return 200 - code;
	return fescue_reply(&calls, sizeof calls);
}
