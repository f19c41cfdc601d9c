/* Writes two pins, and answers with both codes. */
#include <fescue.h>

static int codes[2];

FESCUE_HANDLER int handle(void)
{
	codes[0] = fescue_gpio_write(13, 1);
	codes[1] = fescue_gpio_write(12, 1);
	return fescue_reply(codes, sizeof codes);
}
