/* A port that does nothing, for measuring what the core takes once it is linked. Its
 * buffers are those of a small board. */
#include "../../core/fescue_agent.h"

extern volatile uint8_t device; /* keeps the compiler from seeing through the port */
static fescue_agent agent;
static fescue_port port;

static void line_write(void *context, const uint8_t *p, uint16_t n, uint8_t flush)
{
	(void)context, (void)flush;
	while (n-- > 0)
		device = *p++;
}

static uint32_t millis(void *context) { (void)context; return device; }
static void nonce(void *context, uint8_t out[8]) { (void)context; out[0] = device; }
static void pump(void *context) { (void)context; fescue_link_input(&agent.link, device); }
static uint8_t program(fescue_at at, const uint8_t *p, uint16_t n) { (void)at, (void)n; device = *p; return 1; }
static uint8_t erase(fescue_at at) { device = (uint8_t)at; return 1; }

int main(void)
{
	static uint8_t in[128 + 2 * FESCUE_PACKET_MOST], out[256], frame[288], pool[2048], store[5120], key[32];
	port = (fescue_port){.link = {.line = FESCUE_SERIAL, .write = line_write, .millis = millis, .nonce = nonce, .key = key,
	                              .in = in, .in_size = sizeof in, .out = out, .out_size = sizeof out},
	                     .pump = pump, .id = "size", .platform = "micro/size", .frame = frame, .frame_size = sizeof frame,
	                     .pool = pool, .pool_size = sizeof pool, .stack = 512,
	                     .flash = {.base = store, .program = program, .erase = erase, .slot_size = 2048, .head_size = 256, .page = 64, .unit = 4, .count = 2,
#if FESCUE_STATE
	                               .state_at = 4096, .state_size = 512,
#endif
	                     }};
#if FESCUE_SIGNATURES
	port.sign_key = key;
#endif
	fescue_agent_begin(&agent, &port);
	for (;;) {
		pump(NULL);
		fescue_agent_poll(&agent);
	}
}
