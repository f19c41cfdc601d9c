/* The agent on a bare board in an emulator. Its flash is an array that is written
 * through to a file of the host, so that it outlives the emulator:
 *
 *     -semihosting-config enable=on,target=native,arg=fescue,arg=ID,arg=KEY,arg=FILE,arg=SIGN-KEY,arg=LINE
 *
 * The keys are 64 hexadecimal digits each, or - for none. LINE is - for the serial one, or
 * on a board with Ethernet udp:OWN-ADDRESS:GATEWAY-ADDRESS:PORT. */
#include <string.h>

#include "../../core/fescue_agent.h"
#include "board.h"
#include "net.h"

#ifndef POOL
#define POOL 16384
#endif
#ifndef STACK
#define STACK 1024
#endif
enum { SLOT = 8192, HEAD = 512, PAGE = 256, SLOTS = 2 * FESCUE_FUNCTIONS, DATA = 128, FRAME = 288, OUT = 512 };
enum { STATE = 2048, STORE = SLOT * SLOTS + 2 * STATE, BOOTS = STORE }; /* behind it all, how often it has started */

static uint8_t store[STORE] __attribute__((section(".store"), aligned(8)));
static fescue_agent agent;
static int file;
static uint32_t boots, nonces;

static uint8_t program(fescue_at at, const uint8_t *p, uint16_t n)
{
	memcpy(store + at, p, n);
	return host_write(file, at, p, n) == 0;
}

static uint8_t erase(fescue_at at)
{
	memset(store + at, 0xff, PAGE);
	return host_write(file, at, store + at, PAGE) == 0;
}

static void open_store(const char *path)
{
	file = host_open(path, 3);
	if (file >= 0 && host_read(file, 0, store, STORE) == 0 && host_read(file, BOOTS, &boots, sizeof boots) == 0) {
		boots++;
	} else {
		file = host_open(path, 7);
		memset(store, 0xff, STORE);
		host_write(file, 0, store, STORE);
	}
	host_write(file, BOOTS, &boots, sizeof boots);
}

static void line_write(void *context, const uint8_t *p, uint16_t n, uint8_t flush)
{
	(void)context, (void)flush;
	while (n-- > 0)
		board_put(*p++);
}

static uint32_t millis(void *context)
{
	(void)context;
	return board_millis();
}

static void nonce(void *context, uint8_t out[8])
{
	(void)context;
	nonces++;
	memcpy(out, &boots, 4);
	memcpy(out + 4, &nonces, 4);
}

static void pump(void *context)
{
	(void)context;
	for (int b; (b = line_get()) >= 0;)
		fescue_link_input(&agent.link, (uint8_t)b);
}

#if BOARD_ETHERNET
static network net;

/* A packet is gathered, and goes out as one datagram. */
static void net_line_write(void *context, const uint8_t *p, uint16_t n, uint8_t flush)
{
	static uint8_t packet[OUT];
	static uint16_t count;
	(void)context;
	if (n <= sizeof packet - count) {
		memcpy(packet + count, p, n);
		count = (uint16_t)(count + n);
	}
	if (!flush)
		return;
	net_send(&net, packet, count);
	count = 0;
}

/* A datagram's packet may lead here again, for the next one: each has a place of its own. */
static void net_pump(void *context)
{
	uint8_t packet[DATA + 2 * FESCUE_PACKET_MOST];
	(void)context;
	for (uint16_t n; (n = net_take(&net, packet, sizeof packet)) > 0;)
		fescue_link_datagram(&agent.link, packet, n);
}
#endif

/* The next word of a line, ended with a zero; *line moves behind it. */
static char *word(char **line)
{
	char *begin = *line;
	while (**line != 0 && **line != ' ')
		(*line)++;
	if (**line != 0)
		*(*line)++ = 0;
	return begin;
}

static uint8_t digit(char c) { return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10); }

static const uint8_t *parse_key(const char *hex, uint8_t key[32])
{
	if (strlen(hex) != 64)
		return NULL;
	for (unsigned i = 0; i < 32; i++)
		key[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	return key;
}

int main(void)
{
	static uint8_t in[DATA + 2 * FESCUE_PACKET_MOST], out[OUT], frame[FRAME];
	static uint8_t pool[POOL] __attribute__((aligned(8)));
	static uint8_t key[32], sign_key[32];
	static char arguments[512];
	static fescue_port port = {
		.link = {.line = FESCUE_SERIAL, .write = line_write, .millis = millis, .nonce = nonce, .in = in, .in_size = sizeof in, .out = out, .out_size = sizeof out},
		.pump = pump, .platform = board_platform, .frame = frame, .frame_size = sizeof frame,
		.pool = pool, .pool_size = POOL, .stack = STACK,
		.flash = {.base = store, .program = program, .erase = erase, .slot_size = SLOT, .head_size = HEAD, .page = PAGE, .unit = 4, .count = SLOTS,
		          .state_at = SLOT * SLOTS, .state_size = STATE}};
	char *line = arguments;
	board_begin();
	host_arguments(arguments, sizeof arguments);
	word(&line);
	port.id = word(&line);
	port.link.key = parse_key(word(&line), key);
	open_store(word(&line));
	port.sign_key = parse_key(word(&line), sign_key);
	port.pin = board_pin;
#if BOARD_ETHERNET
	if (net_begin(&net, word(&line))) {
		port.link.line = FESCUE_DATAGRAM;
		port.link.write = net_line_write;
		port.pump = net_pump;
	}
#endif
	fescue_agent_begin(&agent, &port);
	for (;;) {
		port.pump(NULL);
		fescue_agent_poll(&agent);
	}
}
