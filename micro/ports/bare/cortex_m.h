/* What a Cortex-M has besides its program. */
#ifndef FESCUE_CORTEX_M_H
#define FESCUE_CORTEX_M_H

#include <stdint.h>

void systick_begin(uint32_t cycles_per_millisecond);
void interrupt_enable(uint8_t number, uint8_t on); /* of the first 32, all of which are the line's */

#endif
