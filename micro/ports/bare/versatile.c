/* Arm's Versatile PB with an ARM926: its first UART, and a timer of 1 MHz. */
#include "board.h"
#include "pl011.h"

#define UART ((volatile uint32_t *)0x101f1000)
#define TIMER ((volatile uint32_t *)0x101e2000)
enum { TIMER_LOAD, TIMER_VALUE, TIMER_CONTROL };

const char board_platform[] = "micro/versatilepb";

void board_begin(void)
{
	pl011_begin(UART);
	TIMER[TIMER_LOAD] = 0xffffffff;
	TIMER[TIMER_CONTROL] = 0x82; /* 32 bits, on, running free */
}

int board_get(void) { return pl011_get(UART); }
void board_put(uint8_t b) { pl011_put(UART, b); }

/* The timer counts down and wraps after 71 minutes: what has passed is added up. */
uint32_t board_millis(void)
{
	static uint32_t last = 0xffffffff, rest, millis;
	uint32_t now = TIMER[TIMER_VALUE];
	rest += last - now;
	last = now;
	millis += rest / 1000;
	rest %= 1000;
	return millis;
}
