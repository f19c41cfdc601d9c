/* Virtual pins for trying functions: what a function does with pins is a line on stdout,
 * and lines on stdin set what it finds there:
 *
 *     gpio 2 1          the level of an input
 *     adc 0 32768       an analogue input, 0 to 65535
 *     i2c 0x48 0a1b     what a device on the bus gives when it is read */
#ifndef PINS_H
#define PINS_H

#include <stdint.h>

/* The callbacks pin and i2c of a fescue_port. */
int32_t pins_operate(void *context, uint8_t operation, uint32_t pin, uint32_t value);
int32_t pins_i2c(void *context, uint8_t address, const uint8_t *out, uint16_t out_size, uint8_t *in, uint16_t in_size);

#endif
