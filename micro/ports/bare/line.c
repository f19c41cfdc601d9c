/* What the serial line brings: an interrupt puts it into a ring, however long a function
 * runs. When the ring is full, what comes waits in the UART. */
#include "board.h"

static volatile uint8_t ring[256], in, out, full; /* the indices wrap by themselves */

void line_interrupt(void)
{
	while ((uint8_t)(in + 1) != out) {
		int b = board_take();
		if (b < 0)
			return;
		ring[in] = (uint8_t)b;
		in = (uint8_t)(in + 1);
	}
	full = 1;
	board_listen(0);
}

int line_get(void)
{
	if (in == out)
		return -1;
	uint8_t b = ring[out];
	out = (uint8_t)(out + 1);
	if (full) {
		full = 0;
		board_listen(1);
	}
	return b;
}
