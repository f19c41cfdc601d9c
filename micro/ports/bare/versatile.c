/* Arm's Versatile PB with an ARM926: its first UART, and a timer of 1 MHz. */
#include "board.h"
#include "pl011.h"
#include "pl061.h"

#define UART ((volatile uint32_t *)0x101f1000)
#define TIMER ((volatile uint32_t *)0x101e2000)
#define INTERRUPT_ENABLE ((volatile uint32_t *)0x10140010)
enum { UART_INTERRUPT = 12, PINS = 32 };
enum { TIMER_LOAD, TIMER_VALUE, TIMER_CONTROL };

const char board_platform[] = "micro/versatilepb";

void interrupts_begin(void); /* the processor takes them from now on */

void board_begin(void)
{
	pl011_begin(UART);
	*INTERRUPT_ENABLE = 1 << UART_INTERRUPT;
	interrupts_begin();
	TIMER[TIMER_LOAD] = 0xffffffff;
	TIMER[TIMER_CONTROL] = 0x82; /* 32 bits, on, running free */
}

int board_take(void) { return pl011_get(UART); }
void board_listen(uint8_t on) { pl011_listen(UART, on); }
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

/* Four controllers of eight pins, one behind the other. */
static int32_t operate(void *context, uint8_t operation, uint32_t pin, uint32_t value)
{
	(void)context;
	if (pin >= PINS)
		return -FESCUE_UNSUPPORTED;
	return pl061_operate((volatile uint32_t *)(0x101e4000 + pin / 8 * 0x1000), operation, pin % 8, value, 0);
}
board_pins *const board_pin = operate;
