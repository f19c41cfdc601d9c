/* TI's Stellaris LM3S6965 evaluation board: 256 KiB of flash, 64 KiB of memory. */
#include "board.h"
#include "pl011.h"

#define UART ((volatile uint32_t *)0x4000c000)

const char board_platform[] = "micro/lm3s6965evb";

void systick_begin(uint32_t cycles);

void board_begin(void)
{
	*(volatile uint32_t *)0x400fe104 |= 1; /* the UART's clock */
	pl011_begin(UART);
	systick_begin(12500);
}

int board_get(void) { return pl011_get(UART); }
void board_put(uint8_t b) { pl011_put(UART, b); }
