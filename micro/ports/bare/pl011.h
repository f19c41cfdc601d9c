/* The PL011, Arm's UART, which several boards have. */
#ifndef FESCUE_PL011_H
#define FESCUE_PL011_H

#include <stdint.h>

enum { PL011_DATA = 0, PL011_FLAGS = 6, PL011_LINE = 11, PL011_CONTROL = 12, PL011_INTERRUPTS = 14 };
enum { PL011_RX_EMPTY = 1 << 4, PL011_TX_FULL = 1 << 5, PL011_RX = 1 << 4, PL011_RX_IDLE = 1 << 6 };

/* It interrupts when its FIFO is half full, and when it has something and the line rests. */
static inline void pl011_listen(volatile uint32_t *uart, uint8_t on) { uart[PL011_INTERRUPTS] = on ? PL011_RX | PL011_RX_IDLE : 0; }

static inline void pl011_begin(volatile uint32_t *uart)
{
	uart[PL011_LINE] = 0x70; /* 8 bits, FIFOs on */
	uart[PL011_CONTROL] = 0x301;
	pl011_listen(uart, 1);
}

static inline int pl011_get(volatile uint32_t *uart) { return uart[PL011_FLAGS] & PL011_RX_EMPTY ? -1 : (int)(uart[PL011_DATA] & 0xff); }

static inline void pl011_put(volatile uint32_t *uart, uint8_t b)
{
	while (uart[PL011_FLAGS] & PL011_TX_FULL)
		;
	uart[PL011_DATA] = b;
}

#endif
