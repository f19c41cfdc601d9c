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

uint8_t agent_settings_of(const fescue_agent *a, uint8_t slot, agent_settings *s)
{
	fescue_slot_head h;
	if (slot == FESCUE_NO_SLOT || !fescue_slot_read(&a->port->flash, slot, &h))
		return 0;
	s->at = fescue_slot_settings(&a->port->flash, slot, &h);
	s->end = s->at + h.settings_length;
	s->line = 0;
	return 1;
}

const uint8_t *agent_setting(agent_settings *s, const char *key, uint8_t *length)
{
	while (s->at < s->end) {
		const uint8_t *p = s->at, *value = NULL;
		uint8_t i = 0, b, same = 1, k;
		for (; p < s->end && (b = FESCUE_CODE_BYTE(p)) != '\n'; p++) {
			if (value != NULL || !same)
				continue;
			k = FESCUE_ROM_BYTE(key + i++);
			same = b == k;
			if (same && b == '=')
				value = p + 1;
		}
		s->at = p + 1;
		s->line++;
		if (value != NULL) {
			*length = (uint8_t)(p - value);
			return value;
		}
	}
	return NULL;
}

/* --- out ------------------------------------------------------------------- */

/* Waits until the link takes n bytes. Meanwhile what comes in is answered, but
 * new data is not taken: the frame that is being handled is still needed. */
static uint8_t wait_for_room(fescue_agent *a, uint16_t n)
{
	fescue_ms since = fescue_link_now(&a->link);
	if (n > a->port->link.out_size)
		return 0;
	a->link.muted = 1;
	while (a->link.up && fescue_link_room(&a->link) < n && (fescue_ms)(fescue_link_now(&a->link) - since) < FULL_WAIT) {
		fescue_link_flush(&a->link);
		a->port->pump(a->port->link.context);
		fescue_link_poll(&a->link);
	}
	a->link.muted = 0;
	return fescue_link_room(&a->link) >= n;
}

uint8_t agent_begin_frame(fescue_agent *a, uint8_t type, uint32_t id, uint32_t length)
{
	if (length > a->peer_body || length + FESCUE_FRAME_HEAD > a->port->link.out_size)
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

uint8_t agent_digits(uint32_t v, uint8_t out[10])
{
	uint8_t n = 1;
	for (uint32_t rest = v; rest >= 10; rest /= 10)
		n++;
	for (uint8_t i = n; i > 0; v /= 10)
		out[--i] = (uint8_t)('0' + v % 10);
	return n;
}

static const char facts[] FESCUE_ROM = " memory=\0 module=\0 slots=\0 functions=\0 vm=\0 host=\0 stack=\0"
#if FESCUE_SIGNATURES
                                       " signed=\0"
#endif
	;
enum { FACTS = 7 + FESCUE_SIGNATURES, FACTS_MOST = sizeof facts - FACTS + 10 * FACTS };

/* HELLO. The client's name is the platform and what a gateway needs to know before
 * it sends a module: bytes of the pool for each function, of a module, slots,
 * functions, the machine (1 64-bit integers, 2 f32, 4 f64, 8 bulk memory), what
 * functions may use (1 state, 2 time, 4 pins, 8 analogue, 16 I2C), their stack, whether
 * modules must be signed. */
static void hello(fescue_agent *a)
{
	const fescue_port *p = a->port;
	uint8_t text[FACTS_MOST], *end = text;
	uint8_t machine = (FESCUE_VM_INT64 ? 1 : 0) | (FESCUE_VM_F32 ? 2 : 0) | (FESCUE_VM_F64 ? 4 : 0) | (FESCUE_VM_BULK ? 8 : 0);
	uint32_t values[FACTS] = {p->pool_size / FESCUE_FUNCTIONS, p->flash.slot_size - p->flash.head_size, p->flash.count, FESCUE_FUNCTIONS,
	                          machine, agent_host_bits(a), p->stack,
#if FESCUE_SIGNATURES
	                          p->sign_key != NULL
#endif
	};
	const char *rom = facts;
	for (uint8_t i = 0; i < FACTS; i++) {
		for (uint8_t c; (c = FESCUE_ROM_BYTE(rom++)) != 0;)
			*end++ = c;
		end += agent_digits(values[i], end);
	}
	uint16_t id = (uint16_t)strlen(p->id), platform = (uint16_t)strlen(p->platform), n = (uint16_t)(end - text);
	a->peer_body = 0xffffffff;
	if (!agent_begin_frame(a, F_HELLO, 0, 12u + id + platform + n))
		return;
	uint8_t versions[4] = {1, 1, CAPABILITIES, 0};
	agent_put(a, versions, sizeof versions);
	agent_put32(a, p->frame_size);
	agent_put16(a, id);
	agent_put(a, (const uint8_t *)p->id, id);
	agent_put16(a, (uint16_t)(platform + n));
	agent_put(a, (const uint8_t *)p->platform, platform);
	agent_put(a, text, n);
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

#if FESCUE_VM_INT64
static void set_time(fescue_agent *a, const uint8_t *p, uint16_t n)
{
	if (n < 8)
		return;
	memcpy(&a->time, p, sizeof a->time); /* little-endian, as the machine's memory */
	a->time_at = fescue_link_now(&a->link);
}
#endif

static void handle(fescue_agent *a)
{
	uint8_t type = a->head[3];
	uint32_t id = agent_get32(a->head + 4);
	uint8_t *p = a->port->frame;
	uint16_t n = a->body_count;
	switch (type) {
	case F_WELCOME: welcome(a, p, n); break;
	case F_PING: agent_send(a, F_PONG, id, p, n); break;
	case F_INVOKE: agent_invoke(a, id, p, n); break;
	case F_OFFER: agent_offer(a, id, p, n); break;
	case F_CHUNK: agent_chunk(a, id, p, n); break;
	case F_COMMIT: agent_commit(a, id, p, n); break;
	case F_ABORT: a->transfer = a->transfer == id ? 0 : a->transfer; break;
	case F_REMOVE: agent_remove(a, id, p, n); break;
	case F_LIST: agent_list(a, id); break;
	case F_GOODBYE: fescue_link_reset(&a->link); break;
#if FESCUE_VM_INT64
	case F_TIME: set_time(a, p, n); break;
#endif
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

static void received(fescue_link *l, const uint8_t *p, uint16_t n)
{
	fescue_agent *a = (fescue_agent *)l;
	a->heard_at = fescue_link_now(&a->link);
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

static void changed(fescue_link *l, uint8_t up)
{
	fescue_agent *a = (fescue_agent *)l;
	a->welcome = a->head_count = a->skipping = a->pinged = 0;
	a->body_count = 0;
	a->transfer = 0;
#if FESCUE_NUMBERS
	for (uint8_t i = 0; i < FESCUE_FUNCTIONS; i++)
		a->functions[i].registered = 0;
#endif
	a->heard_at = fescue_link_now(&a->link);
	if (up)
		hello(a);
}

void fescue_agent_begin(fescue_agent *a, fescue_port *port)
{
	memset(a, 0, sizeof *a);
	port->link.received = received;
	port->link.changed = changed;
	a->port = port;
	a->link.o = &port->link; /* functions that start ask for the time */
#if FESCUE_STATE
	if (port->flash.state_size > 0)
		fescue_state_open(&a->state, &port->flash);
#endif
	agent_start_all(a);
	fescue_link_begin(&a->link, &port->link);
}

/* The line does not tell the gateway's death: who is silent is asked, then left. */
void fescue_agent_poll(fescue_agent *a)
{
	fescue_link_poll(&a->link);
	if (!a->link.up || (fescue_ms)(fescue_link_now(&a->link) - a->heard_at) < SILENCE)
		return;
	a->heard_at = fescue_link_now(&a->link);
	if (a->pinged || !a->welcome) {
		fescue_link_reset(&a->link);
		return;
	}
	a->pinged = 1;
	agent_send(a, F_PING, 1, NULL, 0);
}
