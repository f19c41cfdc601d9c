/* The emulator's RISC-V board "virt", 32 bits: a 16550 UART and the machine timer,
 * which counts 10 MHz. */
#include "board.h"

#define UART ((volatile uint8_t *)0x10000000)
#define TIME ((volatile uint32_t *)0x0200bff8)
enum { UART_DATA = 0, UART_FIFO = 2, UART_STATUS = 5 };
enum { RX_READY = 0x01, TX_EMPTY = 0x20 };

const char board_platform[] = "micro/rv32-virt";

void board_begin(void) { UART[UART_FIFO] = 1; }

int board_get(void) { return UART[UART_STATUS] & RX_READY ? UART[UART_DATA] : -1; }

void board_put(uint8_t b)
{
	while (!(UART[UART_STATUS] & TX_EMPTY))
		;
	UART[UART_DATA] = b;
}

uint32_t board_millis(void)
{
	uint32_t high, low;
	do {
		high = TIME[1];
		low = TIME[0];
	} while (high != TIME[1]);
	return (uint32_t)(((uint64_t)high << 32 | low) / 10000);
}
