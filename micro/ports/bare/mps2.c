/* Arm's MPS2 with the Cortex-M3 image (AN385): the first CMSDK UART. */
#include "board.h"

#define UART ((volatile uint32_t *)0x40004000)
enum { UART_DATA, UART_STATE, UART_CONTROL, UART_INTERRUPT, UART_DIVIDER };
enum { TX_FULL = 1, RX_FULL = 2 };

const char board_platform[] = "micro/mps2-an385";

void systick_begin(uint32_t cycles);

void board_begin(void)
{
	UART[UART_DIVIDER] = 16;
	UART[UART_CONTROL] = 3;
	systick_begin(25000);
}

int board_get(void) { return UART[UART_STATE] & RX_FULL ? (int)(UART[UART_DATA] & 0xff) : -1; }

void board_put(uint8_t b)
{
	while (UART[UART_STATE] & TX_FULL)
		;
	UART[UART_DATA] = b;
}
