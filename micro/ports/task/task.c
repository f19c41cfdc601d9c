#include "task.h"

#include <string.h>

/* Bytes, each of which may be set on the compiler's command line. */
#ifndef FESCUE_TASK_POOL
#define FESCUE_TASK_POOL 16384
#endif
#ifndef FESCUE_TASK_SLOT
#define FESCUE_TASK_SLOT 4096
#endif
enum { HEAD = 512, PAGE = 256, SLOTS = 2 * FESCUE_FUNCTIONS, DATA = 128, FRAME = 512, OUT = 512, STACK = 1024 };

static uint8_t store[FESCUE_TASK_SLOT * SLOTS] __attribute__((aligned(8)));
static fescue_agent agent;
static uint32_t sessions;

static uint8_t program(fescue_at at, const uint8_t *p, uint16_t n)
{
	memcpy(store + at, p, n);
	return 1;
}

static uint8_t erase(fescue_at at)
{
	memset(store + at, 0xff, PAGE);
	return 1;
}

static void line_write(void *context, const uint8_t *p, uint16_t n, uint8_t flush)
{
	/* Gathered, because a call of the system for each byte would cost too much. */
	static uint8_t gathered[64];
	static uint16_t count;
	const fescue_task *t = context;
	for (; n > 0; n--) {
		gathered[count++] = *p++;
		if (count == sizeof gathered) {
			t->write(t->context, gathered, count);
			count = 0;
		}
	}
	if (flush && count > 0) {
		t->write(t->context, gathered, count);
		count = 0;
	}
}

static uint32_t millis(void *context)
{
	const fescue_task *t = context;
	return t->millis(t->context);
}

static void nonce(void *context, uint8_t out[8])
{
	const fescue_task *t = context;
	sessions++;
	memcpy(out, &t->start, 4);
	memcpy(out + 4, &sessions, 4);
}

/* What a byte leads to may come here again for the next ones: they are taken in order. */
static void pump(void *context)
{
	static uint8_t buffer[64];
	static uint16_t have, at;
	const fescue_task *t = context;
	if (at == have) {
		have = t->read(t->context, buffer, sizeof buffer);
		at = 0;
	}
	while (at < have)
		fescue_link_input(&agent.link, buffer[at++]);
}

void fescue_task_run(const fescue_task *t)
{
	static uint8_t in[DATA + 2 * FESCUE_PACKET_MOST], out[OUT], frame[FRAME];
	static uint8_t pool[FESCUE_TASK_POOL] __attribute__((aligned(8)));
	static fescue_port port;
	memset(store, 0xff, sizeof store);
	port = (fescue_port){.link = {.line = t->line, .context = (void *)(uintptr_t)t, .write = line_write, .millis = millis, .nonce = nonce,
	                              .in = in, .out = out, .in_size = sizeof in, .out_size = sizeof out, .key = t->key},
	                     .pump = pump, .id = t->id, .platform = t->platform, .frame = frame, .frame_size = sizeof frame,
	                     .pool = pool, .pool_size = sizeof pool, .stack = STACK,
	                     .flash = {.base = store, .program = program, .erase = erase, .slot_size = FESCUE_TASK_SLOT, .head_size = HEAD,
	                               .page = PAGE, .unit = 1, .count = SLOTS}};
#if FESCUE_SIGNATURES
	port.sign_key = t->sign_key;
#endif
	fescue_agent_begin(&agent, &port);
	for (;;) {
		pump((void *)(uintptr_t)t);
		fescue_agent_poll(&agent);
	}
}
