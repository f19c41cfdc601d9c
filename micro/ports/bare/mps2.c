/* Arm's MPS2 with the Cortex-M3 image (AN385): the first CMSDK UART, and two lamps and two
 * buttons. */
#include "../../core/fescue_agent.h"
#include "board.h"
#include "cortex_m.h"

#define UART ((volatile uint32_t *)0x40004000)
enum { UART_DATA, UART_STATE, UART_CONTROL, UART_INTERRUPT, UART_DIVIDER };
enum { TX_FULL = 1, RX_FULL = 2, SEND_RECEIVE_INTERRUPT = 11, RECEIVED = 2, RECEIVE = 0 /* the interrupt's number */ };

#define PANEL ((volatile uint32_t *)0x40028000)
enum { LAMPS = 0, BUTTONS = 2 };

const char board_platform[] = "micro/mps2-an385";

void board_begin(void)
{
	UART[UART_DIVIDER] = 16;
	UART[UART_CONTROL] = SEND_RECEIVE_INTERRUPT;
	board_listen(1);
	systick_begin(25000);
}

/* The next byte interrupts again as soon as this one is taken. */
int board_take(void)
{
	if (!(UART[UART_STATE] & RX_FULL))
		return -1;
	UART[UART_INTERRUPT] = RECEIVED;
	return (int)(UART[UART_DATA] & 0xff);
}

void board_listen(uint8_t on) { interrupt_enable(RECEIVE, on); }

void board_put(uint8_t b)
{
	while (UART[UART_STATE] & TX_FULL)
		;
	UART[UART_DATA] = b;
}

/* Pins 0 and 1 are the lamps, outputs; 2 and 3 the buttons, inputs. */
static int32_t operate(void *context, uint8_t operation, uint32_t pin, uint32_t value)
{
	(void)context;
	uint8_t lamp = pin < 2;
	if (pin > 3)
		return -FESCUE_UNSUPPORTED;
	switch (operation) {
	case FESCUE_PIN_MODE: return value == lamp ? 0 : -FESCUE_UNSUPPORTED;
	case FESCUE_PIN_WRITE:
		if (!lamp)
			return -FESCUE_UNSUPPORTED;
		PANEL[LAMPS] = value ? PANEL[LAMPS] | 1u << pin : PANEL[LAMPS] & ~(1u << pin);
		return 0;
	case FESCUE_PIN_READ: return (int32_t)(lamp ? PANEL[LAMPS] >> pin & 1 : PANEL[BUTTONS] >> (pin - 2) & 1);
	default: return -FESCUE_UNSUPPORTED;
	}
}
board_pins *const board_pin = operate;
