/* The state by commands: 'g' KEY, 's' KEY '=' VALUE, 'i' for what initialize was told.
 * Answers with the code or length as i32, and the value behind it. */
#include <fescue.h>

static struct {
	int code;
	char value[200];
} answer;
static char event[600];
static int at_start;

__attribute__((export_name("_initialize"))) void initialize(void) { at_start = fescue_state_set(FESCUE_TEXT("x"), "1", 1); }

FESCUE_HANDLER int handle(void)
{
	int n = fescue_event(event, sizeof event), key = 1;
	unsigned size = 0;
	while (key < n && event[key] != '=')
		key++;
	if (event[0] == 'g') {
		answer.code = fescue_state_get(event + 1, (unsigned)(n - 1), answer.value, sizeof answer.value);
		if (answer.code > 0)
			size = (unsigned)answer.code < sizeof answer.value ? (unsigned)answer.code : sizeof answer.value;
	} else if (event[0] == 's') {
		answer.code = fescue_state_set(event + 1, (unsigned)(key - 1), event + key + 1, (unsigned)(n - key - 1));
	} else {
		answer.code = at_start;
	}
	return fescue_reply(&answer, sizeof answer.code + size);
}
