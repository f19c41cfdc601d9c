/* The PL061, Arm's GPIO controller of eight pins; TI's has registers of its own besides. */
#ifndef FESCUE_PL061_H
#define FESCUE_PL061_H

#include <stdint.h>

#include "../../core/fescue_agent.h"

enum { PL061_DIRECTION = 0x100, PL061_PULL_UP = 0x144, PL061_ENABLE = 0x147 };

/* Eight bits of an address choose the pins that a read or a write is of. */
static inline int32_t pl061_operate(volatile uint32_t *gpio, uint8_t operation, uint32_t pin, uint32_t value, uint8_t stellaris)
{
	uint32_t bit = 1u << pin;
	switch (operation) {
	case FESCUE_PIN_MODE:
		if (value > 2 || (value == 2 && !stellaris))
			return -FESCUE_UNSUPPORTED;
		if (stellaris) {
			gpio[PL061_PULL_UP] = value == 2 ? gpio[PL061_PULL_UP] | bit : gpio[PL061_PULL_UP] & ~bit;
			gpio[PL061_ENABLE] |= bit;
		}
		gpio[PL061_DIRECTION] = value == 1 ? gpio[PL061_DIRECTION] | bit : gpio[PL061_DIRECTION] & ~bit;
		return 0;
	case FESCUE_PIN_WRITE: gpio[bit] = value ? bit : 0; return 0;
	case FESCUE_PIN_READ: return gpio[bit] != 0;
	default: return -FESCUE_UNSUPPORTED;
	}
}

#endif
