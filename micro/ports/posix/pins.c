#include "pins.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../core/fescue_agent.h"

enum { PINS = 256, ADDRESSES = 128, ANSWER = 64, NOBODY = -10 };

static struct {
	uint8_t mode, level, known; /* known: an input that was set */
} gpio[PINS];
static uint16_t adc[PINS];
static struct {
	uint8_t there, count, bytes[ANSWER];
} bus[ADDRESSES];

static void set_answer(unsigned long address, const char *hex)
{
	if (address >= ADDRESSES)
		return;
	bus[address].there = 1;
	bus[address].count = 0;
	for (; hex[0] && hex[1] && bus[address].count < ANSWER; hex += 2) {
		char digits[3] = {hex[0], hex[1], 0};
		bus[address].bytes[bus[address].count++] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

static void take_line(char *line)
{
	char *kind = strtok(line, " "), *number = strtok(NULL, " "), *value = strtok(NULL, " ");
	if (kind == NULL || number == NULL)
		return;
	unsigned long n = strtoul(number, NULL, 0), v = value ? strtoul(value, NULL, 0) : 0;
	if (strcmp(kind, "i2c") == 0) {
		set_answer(n, value ? value : "");
	} else if (strcmp(kind, "gpio") == 0 && n < PINS) {
		gpio[n].level = v != 0;
		gpio[n].known = 1;
	} else if (strcmp(kind, "adc") == 0 && n < PINS) {
		adc[n] = (uint16_t)v;
	} else {
		printf("pin ? %s\n", kind);
		fflush(stdout);
	}
}

/* Takes the lines that have come: before each operation, so that what was set before an
 * event is what its handler finds. */
static void take_lines(void)
{
	static char line[256];
	static size_t count;
	static int ended;
	char c;
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	while (!ended && poll(&p, 1, 0) > 0) {
		if (read(STDIN_FILENO, &c, 1) != 1) {
			ended = 1;
		} else if (c == '\n') {
			line[count] = 0;
			take_line(line);
			count = 0;
		} else if (count + 1 < sizeof line) {
			line[count++] = c;
		}
	}
}

int32_t pins_operate(void *context, uint8_t operation, uint32_t pin, uint32_t value)
{
	static const char *const modes[] = {"input", "output", "input with pull-up"};
	(void)context;
	take_lines();
	if (pin >= PINS)
		return -FESCUE_UNSUPPORTED;
	switch (operation) {
	case FESCUE_PIN_MODE:
		if (value > 2)
			return -FESCUE_UNSUPPORTED;
		gpio[pin].mode = (uint8_t)value;
		if (value == 2 && !gpio[pin].known)
			gpio[pin].level = 1;
		printf("pin gpio %u %s\n", (unsigned)pin, modes[value]);
		break;
	case FESCUE_PIN_WRITE:
		gpio[pin].level = value != 0;
		printf("pin gpio %u %d\n", (unsigned)pin, value != 0);
		break;
	case FESCUE_PIN_READ: return gpio[pin].level;
	case FESCUE_PIN_ADC: return adc[pin];
	default: return -FESCUE_UNSUPPORTED;
	}
	fflush(stdout);
	return 0;
}

int32_t pins_i2c(void *context, uint8_t address, const uint8_t *out, uint16_t out_size, uint8_t *in, uint16_t in_size)
{
	(void)context;
	take_lines();
	if (address >= ADDRESSES || !bus[address].there)
		return NOBODY;
	if (out_size > 0) {
		printf("pin i2c 0x%02x ", (unsigned)address);
		for (uint16_t i = 0; i < out_size; i++)
			printf("%02x", out[i]);
		printf("\n");
		fflush(stdout);
	}
	memset(in, 0xff, in_size); /* as a bus that nobody pulls down */
	memcpy(in, bus[address].bytes, in_size < bus[address].count ? in_size : bus[address].count);
	return in_size;
}
