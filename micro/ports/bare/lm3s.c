/* TI's Stellaris LM3S6965 evaluation board: 256 KiB of flash, 64 KiB of memory. */
#include "board.h"
#include "cortex_m.h"
#include "pl011.h"
#include "pl061.h"

#define UART ((volatile uint32_t *)0x4000c000)
#define CLOCKS ((volatile uint32_t *)0x400fe104)
enum { UART_INTERRUPT = 5, PORTS = 7 };

const char board_platform[] = "micro/lm3s6965evb";

void board_begin(void)
{
	CLOCKS[0] |= 1;                /* the UART's … */
	CLOCKS[1] |= (1 << PORTS) - 1; /* … and the ports' */
	pl011_begin(UART);
	interrupt_enable(UART_INTERRUPT, 1);
	systick_begin(12500);
}

int board_take(void) { return pl011_get(UART); }
void board_listen(uint8_t on) { pl011_listen(UART, on); }
void board_put(uint8_t b) { pl011_put(UART, b); }

/* Pin 0 is PA0, 8 is PB0. The line has PA0 and PA1. */
static int32_t operate(void *context, uint8_t operation, uint32_t pin, uint32_t value)
{
	static const uint32_t ports[PORTS] = {0x40004000, 0x40005000, 0x40006000, 0x40007000, 0x40024000, 0x40025000, 0x40026000};
	(void)context;
	if (pin < 2 || pin >= 8 * PORTS)
		return -FESCUE_UNSUPPORTED;
	return pl061_operate((volatile uint32_t *)ports[pin / 8], operation, pin % 8, value, 1);
}
board_pins *const board_pin = operate;
