/* The session: frames in, frames out. */
#include "agent_internal.h"

enum { CAPABILITIES = 1 << 1 | 1 << 2 | 1 << 7 }; /* functions, log, modules */
enum { SILENCE = 15000, FULL_WAIT = 3000 };

uint16_t agent_get16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
uint32_t agent_get32(const uint8_t *p) { return agent_get16(p) | (uint32_t)agent_get16(p + 2) << 16; }

const uint8_t *agent_string(const uint8_t *p, const uint8_t *end, const uint8_t **s, uint16_t *n)
{
	if (p == NULL || end - p < 2)
		return NULL;
	*n = agent_get16(p);
	*s = p + 2;
	return (uint16_t)(end - *s) >= *n ? *s + *n : NULL;
}

/* --- out ------------------------------------------------------------------- */

/* Waits until the link takes n bytes. Meanwhile what comes in is answered, but
 * new data is not taken: the frame that is being handled is still needed. */
static uint8_t wait_for_room(fescue_agent *a, uint16_t n)
{
	uint32_t since = a->port->millis(a->port->context);
	if (n > a->port->out_size)
		return 0;
	a->link.muted = 1;
	while (a->link.up && fescue_link_room(&a->link) < n && a->port->millis(a->port->context) - since < FULL_WAIT) {
		fescue_link_flush(&a->link);
		a->port->pump(a->port->context);
		fescue_link_poll(&a->link);
	}
	a->link.muted = 0;
	return fescue_link_room(&a->link) >= n;
}

uint8_t agent_begin_frame(fescue_agent *a, uint8_t type, uint32_t id, uint32_t length)
{
	if (length > a->peer_body || length + FESCUE_FRAME_HEAD > a->port->out_size)
		return 0;
	if (!wait_for_room(a, (uint16_t)(length + FESCUE_FRAME_HEAD)))
		return 0;
	agent_put32(a, length | (uint32_t)type << 24);
	agent_put32(a, id);
	return 1;
}

void agent_put(fescue_agent *a, const uint8_t *p, uint16_t n) { fescue_link_send(&a->link, p, n); }

void agent_put16(fescue_agent *a, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
	agent_put(a, b, 2);
}

void agent_put32(fescue_agent *a, uint32_t v)
{
	agent_put16(a, (uint16_t)v);
	agent_put16(a, (uint16_t)(v >> 16));
}

void agent_put_text(fescue_agent *a, const char *rom)
{
	for (uint8_t c; (c = FESCUE_ROM_BYTE(rom)) != 0; rom++)
		agent_put(a, &c, 1);
}

void agent_put_flash(fescue_agent *a, const uint8_t *p, uint16_t n)
{
	for (; n > 0; n--, p++) {
		uint8_t b = FESCUE_CODE_BYTE(p);
		agent_put(a, &b, 1);
	}
}

void agent_end_frame(fescue_agent *a) { fescue_link_flush(&a->link); }

void agent_send(fescue_agent *a, uint8_t type, uint32_t id, const uint8_t *body, uint16_t n)
{
	if (!agent_begin_frame(a, type, id, n))
		return;
	agent_put(a, body, n);
	agent_end_frame(a);
}

void agent_error(fescue_agent *a, uint8_t type, uint32_t id, uint16_t code)
{
	uint8_t body[8] = {(uint8_t)code, (uint8_t)(code >> 8), type};
	agent_send(a, F_ERROR, id, body, sizeof body);
}

void fescue_agent_log(fescue_agent *a, uint8_t level, const char *text)
{
	if (a->welcome)
		agent_send(a, F_LOG, level, (const uint8_t *)text, (uint16_t)strlen(text));
}

/* A number in decimal, with a word before it, into text. Returns its end. */
static char *fact(char *text, const char *rom, uint32_t v)
{
	char digits[10];
	uint8_t n = 0;
	for (char c; (c = (char)FESCUE_ROM_BYTE(rom)) != 0; rom++)
		*text++ = c;
	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	while (n > 0)
		*text++ = digits[--n];
	return text;
}

static const char memory_is[] FESCUE_ROM = " memory=", module_is[] FESCUE_ROM = " module=", slots_are[] FESCUE_ROM = " slots=",
                  functions_are[] FESCUE_ROM = " functions=", machine_is[] FESCUE_ROM = " vm=";

/* HELLO. The client's name is the platform and what a gateway needs to know before
 * it sends a module: bytes of the pool for each function, of a module, slots,
 * functions, and the machine (1 64-bit integers, 2 f32, 4 f64, 8 bulk memory). */
static void hello(fescue_agent *a)
{
	const fescue_port *p = a->port;
	char facts[96];
	uint8_t machine = (FESCUE_VM_INT64 ? 1 : 0) | (FESCUE_VM_F32 ? 2 : 0) | (FESCUE_VM_F64 ? 4 : 0) | (FESCUE_VM_BULK ? 8 : 0);
	char *end = fact(facts, memory_is, p->pool_size / FESCUE_FUNCTIONS);
	end = fact(end, module_is, p->flash.slot_size - p->flash.head_size);
	end = fact(end, slots_are, p->flash.count);
	end = fact(end, functions_are, FESCUE_FUNCTIONS);
	end = fact(end, machine_is, machine);
	uint16_t facts_length = (uint16_t)(end - facts), id = (uint16_t)strlen(p->id), platform = (uint16_t)strlen(p->platform);
	a->peer_body = 0xffffffff;
	if (!agent_begin_frame(a, F_HELLO, 0, 12u + id + platform + facts_length))
		return;
	uint8_t versions[4] = {1, 1, CAPABILITIES, 0};
	agent_put(a, versions, sizeof versions);
	agent_put32(a, p->frame_size);
	agent_put16(a, id);
	agent_put(a, (const uint8_t *)p->id, id);
	agent_put16(a, (uint16_t)(platform + facts_length));
	agent_put(a, (const uint8_t *)p->platform, platform);
	agent_put(a, (const uint8_t *)facts, facts_length);
	agent_end_frame(a);
}

/* --- in -------------------------------------------------------------------- */

static void welcome(fescue_agent *a, const uint8_t *p, uint16_t n)
{
	if (n < 8 || p[0] != 1)
		return;
	a->peer_body = agent_get32(p + 4);
	a->welcome = 1;
	agent_send(a, F_READY, 0, NULL, 0);
}

static void handle(fescue_agent *a)
{
	uint8_t type = a->head[3];
	uint32_t id = agent_get32(a->head + 4);
	const uint8_t *p = a->port->frame;
	uint16_t n = a->body_count;
	switch (type) {
	case F_WELCOME: welcome(a, p, n); break;
	case F_PING: agent_send(a, F_PONG, id, p, n); break;
	case F_INVOKE: agent_invoke(a, id, p, n); break;
	case F_OFFER: agent_offer(a, id, p, n); break;
	case F_CHUNK: agent_chunk(a, id, p, n); break;
	case F_COMMIT: agent_commit(a, id); break;
	case F_ABORT: a->transfer = a->transfer == id ? 0 : a->transfer; break;
	case F_REMOVE: agent_remove(a, id, p, n); break;
	case F_LIST: agent_list(a, id); break;
	case F_GOODBYE: fescue_link_reset(&a->link); break;
	default: break; /* answers to what asks for none, and extensions */
	}
}

static void frame_done(fescue_agent *a)
{
	if (a->skipping)
		agent_error(a, a->head[3], agent_get32(a->head + 4), FESCUE_TOO_LARGE);
	else
		handle(a);
	a->head_count = a->skipping = 0;
	a->body_count = 0;
}

static void received(void *context, const uint8_t *p, uint16_t n)
{
	fescue_agent *a = context;
	a->heard_at = a->port->millis(a->port->context);
	a->pinged = 0;
	uint8_t epoch = a->link.epoch;
	for (; n > 0; n--, p++) {
		if (a->head_count < FESCUE_FRAME_HEAD) {
			a->head[a->head_count++] = *p;
			if (a->head_count < FESCUE_FRAME_HEAD)
				continue;
			a->body_left = agent_get32(a->head) & 0xffffff;
			a->skipping = a->body_left > a->port->frame_size;
		} else {
			if (!a->skipping)
				a->port->frame[a->body_count++] = *p;
			a->body_left--;
		}
		if (a->body_left == 0)
			frame_done(a);
		if (a->link.epoch != epoch)
			return; /* the session began anew meanwhile */
	}
}

static void changed(void *context, uint8_t up)
{
	fescue_agent *a = context;
	a->welcome = a->head_count = a->skipping = a->pinged = 0;
	a->body_count = 0;
	a->transfer = 0;
	a->heard_at = a->port->millis(a->port->context);
	if (up)
		hello(a);
}

static void line_write(void *context, const uint8_t *p, uint16_t n, uint8_t flush)
{
	const fescue_port *port = ((fescue_agent *)context)->port;
	port->write(port->context, p, n, flush);
}

static uint32_t line_millis(void *context)
{
	const fescue_port *port = ((fescue_agent *)context)->port;
	return port->millis(port->context);
}

static void line_nonce(void *context, uint8_t nonce[8])
{
	const fescue_port *port = ((fescue_agent *)context)->port;
	port->nonce(port->context, nonce);
}

void fescue_agent_begin(fescue_agent *a, const fescue_port *port)
{
	memset(a, 0, sizeof *a);
	a->port = port;
	a->options = (fescue_link_options){.line = port->line, .context = a, .write = line_write, .millis = line_millis,
	                                   .nonce = line_nonce, .received = received, .changed = changed, .in = port->in,
	                                   .out = port->out, .in_size = port->in_size, .out_size = port->out_size, .key = port->key};
	agent_start_all(a);
	fescue_link_begin(&a->link, &a->options);
}

/* The line does not tell the gateway's death: who is silent is asked, then left. */
void fescue_agent_poll(fescue_agent *a)
{
	fescue_link_poll(&a->link);
	if (!a->link.up || a->port->millis(a->port->context) - a->heard_at < SILENCE)
		return;
	a->heard_at = a->port->millis(a->port->context);
	if (a->pinged || !a->welcome) {
		fescue_link_reset(&a->link);
		return;
	}
	a->pinged = 1;
	agent_send(a, F_PING, 1, NULL, 0);
}
