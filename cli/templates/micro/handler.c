/* Takes readings, whole numbers as text, and answers with the highest so far; one above 100
 * is published as an alarm, too. The state is in variables: it lasts until the board starts anew. */
#include <fescue.h>

static char text[12];
static int highest, known;

/* The number that the event is, or 0 if it is none. */
static int number(int n, int *value)
{
	int sign = 1, i = 0, v = 0;
	if (n > 0 && text[0] == '-') {
		sign = -1;
		i = 1;
	}
	if (n <= i || n > 9)
		return 0;
	for (; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		v = v * 10 + (text[i] - '0');
	}
	*value = sign * v;
	return 1;
}

/* Writes a number at the end of text; gives where it begins. */
static char *digits(int v)
{
	char *at = text + sizeof text;
	unsigned rest = v < 0 ? 0u - (unsigned)v : (unsigned)v;
	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (v < 0)
		*--at = '-';
	return at;
}

FESCUE_HANDLER int handle(void)
{
	int value, n = fescue_event(text, sizeof text);
	if (!number(n, &value)) {
		fescue_fail(FESCUE_TEXT("the event is not a whole number"));
		return 0;
	}
	if (value > 100 && fescue_publish(FESCUE_TEXT("{{name}}/alarm"), text, (unsigned)n) != 0)
		fescue_log(FESCUE_ERROR, FESCUE_TEXT("the alarm was not published"));
	if (!known || value > highest)
		highest = value;
	known = 1;
	char *at = digits(highest);
	return fescue_reply(at, (unsigned)(text + sizeof text - at));
}
