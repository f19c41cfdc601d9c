/* Fuzzing of line, packets and frames: the input is what comes from the line; bytes
 * of 0xfe begin a packet that is made whole, so that frames are reached, too. */
#include <string.h>

#include "../../core/fescue_agent.h"

/* By the input, or the one that a test asks for. */
#ifndef FUZZ_LINE
#define FUZZ_LINE (size % 2 ? FESCUE_SERIAL : FESCUE_TEXT)
#endif

enum { SLOT = 2048, SLOTS = 2 };

static uint8_t store[SLOT * SLOTS];
static fescue_agent agent;
static fescue_port port;
static uint32_t now;

static uint8_t program(fescue_at at, const uint8_t *p, uint16_t n)
{
	if (at + n > sizeof store)
		__builtin_trap();
	for (uint16_t i = 0; i < n; i++)
		store[at + i] &= p[i];
	return 1;
}

static uint8_t erase(fescue_at at)
{
	if (at + 128 > sizeof store)
		__builtin_trap();
	memset(store + at, 0xff, 128);
	return 1;
}

static void line_write(void *context, const uint8_t *p, uint16_t n, uint8_t flush) { (void)context, (void)p, (void)n, (void)flush; }
static uint32_t millis(void *context) { (void)context; return now++; }
static void nonce(void *context, uint8_t out[8]) { (void)context; memset(out, 1, 8); }
static void pump(void *context) { (void)context; now += 100; }

static uint32_t crc(const uint8_t *p, size_t n)
{
	uint32_t c = 0xffffffff;
	while (n-- > 0) {
		c ^= *p++;
		for (int i = 0; i < 8; i++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
	}
	return ~c;
}

/* A packet that is whole, of the right sequence: OPENED first, then DATA. */
static void packet(const uint8_t *p, size_t n)
{
	uint8_t b[128] = {3, agent.link.expected, (uint8_t)(agent.link.sequence + 1)};
	static const uint8_t opened[] = {1, 1, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	if (!agent.link.up) {
		b[0] = 2;
		p = opened;
		n = sizeof opened;
	}
	memcpy(b + 3, p, n);
	uint32_t c = crc(b, n + 3);
	memcpy(b + 3 + n, &c, 4);
	fescue_link_datagram(&agent.link, b, (uint16_t)(n + 7));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t in[64 + 2 * FESCUE_PACKET_MOST], out[256], frame[256], pool[4096];
	port = (fescue_port){.link = {.line = FUZZ_LINE, .write = line_write, .millis = millis, .nonce = nonce,
	                              .in = in, .in_size = sizeof in, .out = out, .out_size = sizeof out},
	                     .pump = pump, .id = "x", .platform = "micro/fuzz",
	                     .frame = frame, .frame_size = sizeof frame, .pool = pool, .pool_size = sizeof pool, .stack = 256,
	                     .flash = {.base = store, .program = program, .erase = erase, .slot_size = SLOT, .head_size = 512, .page = 128, .unit = 4, .count = SLOTS}};
	memset(store, 0xff, sizeof store);
	fescue_agent_begin(&agent, &port);
	for (size_t i = 0; i < size;) {
		if (data[i] == 0xfe && i + 1 < size) {
			size_t n = data[i + 1] % 64;
			i += 2;
			if (n > size - i)
				n = size - i;
			packet(data + i, n);
			i += n;
		} else {
			fescue_link_input(&agent.link, data[i++]);
		}
		fescue_agent_poll(&agent);
	}
	return 0;
}
