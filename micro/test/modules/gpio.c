/* Pins by commands: operation ('m', 'w', 'r', 'a'), pin, value. Answers with the code. */
#include <fescue.h>

static unsigned char event[3];
static int code;

FESCUE_HANDLER int handle(void)
{
	fescue_event(event, sizeof event);
	switch (event[0]) {
	case 'm': code = fescue_gpio_mode(event[1], event[2]); break;
	case 'w': code = fescue_gpio_write(event[1], event[2]); break;
	case 'r': code = fescue_gpio_read(event[1]); break;
	default: code = fescue_adc_read(event[1]); break;
	}
	return fescue_reply(&code, sizeof code);
}
