/* The emulator's RISC-V board "virt", 32 bits: a 16550 UART and the machine timer,
 * which counts 10 MHz. */
#include "board.h"

#define UART ((volatile uint8_t *)0x10000000)
#define TIME ((volatile uint32_t *)0x0200bff8)
#define PLIC ((volatile uint32_t *)0x0c000000)
enum { UART_DATA = 0, UART_INTERRUPTS = 1, UART_FIFO = 2, UART_STATUS = 5 };
enum { PLIC_ENABLE = 0x2000 / 4, PLIC_THRESHOLD = 0x200000 / 4, PLIC_CLAIM = 0x200004 / 4, UART_INTERRUPT = 10 };
enum { RX_READY = 0x01, TX_EMPTY = 0x20 };

const char board_platform[] = "micro/rv32-virt";

board_pins *const board_pin = 0;

static void __attribute__((interrupt, aligned(4))) interrupt(void)
{
	uint32_t number = PLIC[PLIC_CLAIM];
	line_interrupt();
	PLIC[PLIC_CLAIM] = number;
}

void board_listen(uint8_t on) { UART[UART_INTERRUPTS] = on; }

void interrupts_begin(void (*handler)(void));

void board_begin(void)
{
	UART[UART_FIFO] = 1;
	board_listen(1);
	PLIC[UART_INTERRUPT] = 1; /* its priority */
	PLIC[PLIC_ENABLE] = 1 << UART_INTERRUPT;
	PLIC[PLIC_THRESHOLD] = 0;
	interrupts_begin(interrupt);
}

int board_take(void) { return UART[UART_STATUS] & RX_READY ? UART[UART_DATA] : -1; }

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
