/* The agent as a task of an operating system: what is the same for FreeRTOS, Xinu and
 * L4Re. A port gives a line and a clock; functions lie in memory, and the gateway
 * sends them again after a start. */
#ifndef FESCUE_TASK_H
#define FESCUE_TASK_H

#include "../../core/fescue_agent.h"

typedef struct {
	void *context;
	/* Takes at most n bytes that have come; waits a few milliseconds if there are none. */
	uint16_t (*read)(void *context, uint8_t *p, uint16_t n);
	/* Writes all of them. */
	void (*write)(void *context, const uint8_t *p, uint16_t n);
	uint32_t (*millis)(void *context);
	/* A number that is another one at each start: of noise, or a counter that is kept. */
	uint32_t start;
	fescue_line line;     /* FESCUE_SERIAL, or FESCUE_TEXT where the line is not 8-bit clean */
	const char *id;       /* the device's name, as it is enrolled */
	const char *platform; /* "micro/freertos" */
	const uint8_t *key;   /* 32 bytes, or NULL */
#if FESCUE_SIGNATURES
	const uint8_t *sign_key; /* the same, of fescue_port */
#endif
} fescue_task;

/* Runs the agent; does not return. There is one in a program. */
void fescue_task_run(const fescue_task *task);

#endif
