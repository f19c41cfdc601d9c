#include "fescue_link.h"

#include <string.h>

enum { OPEN = 1, OPENED = 2, DATA = 3, ACK = 4, RESET = 5, AUTHENTICATED = 0x80 };
enum { FIRST_WAIT = 250, OPEN_WAIT = 4000, RESEND_WAIT = 2000, MOST_TRIES = 10 };
enum { OPEN_BODY = 12 };

/* A packet that goes out, in the pieces that it consists of. */
typedef struct {
	uint8_t head[FESCUE_PACKET_HEAD], tail[FESCUE_PACKET_TAG];
	uint8_t tail_size;
	uint16_t data_size;
	const uint8_t *data;
} packet;

static uint32_t crc_add(uint32_t crc, uint8_t b)
{
	crc ^= b;
	for (uint8_t i = 0; i < 8; i++)
		crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	return crc;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (uint8_t i = 0; i < 4; i++, v >>= 8)
		p[i] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

static uint16_t packet_size(const packet *p) { return (uint16_t)(FESCUE_PACKET_HEAD + p->data_size + p->tail_size); }

static uint8_t packet_byte(const packet *p, uint16_t i)
{
	if (i < FESCUE_PACKET_HEAD)
		return p->head[i];
	i = (uint16_t)(i - FESCUE_PACKET_HEAD);
	return i < p->data_size ? p->data[i] : p->tail[i - p->data_size];
}

static void put(fescue_link *l, uint8_t b, uint8_t flush) { l->o->write(l->o->context, &b, 1, flush); }

/* --- what goes out -------------------------------------------------------- */

#if FESCUE_LINES & 1
/* COBS: zeros become the distances between them; then a zero ends the packet. */
static void write_serial(fescue_link *l, const packet *p)
{
	uint16_t size = packet_size(p), at = 0;
	for (;;) {
		uint8_t run = 0;
		while (run < 254 && at + run < size && packet_byte(p, (uint16_t)(at + run)) != 0)
			run++;
		put(l, (uint8_t)(run + 1), 0);
		for (uint8_t i = 0; i < run; i++)
			put(l, packet_byte(p, (uint16_t)(at + i)), 0);
		at = (uint16_t)(at + run);
		if (at >= size)
			break;
		if (run < 254)
			at++; /* the zero itself; if it is the last byte, an empty run follows */
	}
	put(l, 0, 1);
}

#endif

#if FESCUE_LINES & 2
static uint8_t base64_digit(uint8_t v)
{
	if (v < 26)
		return (uint8_t)('A' + v);
	if (v < 52)
		return (uint8_t)('a' + v - 26);
	return v < 62 ? (uint8_t)('0' + v - 52) : v == 62 ? '+' : '/';
}

static void write_text(fescue_link *l, const packet *p)
{
	uint16_t size = packet_size(p);
	uint8_t held = 0;
	uint16_t bits = 0;
	put(l, '~', 0);
	for (uint16_t i = 0; i < size; i++) {
		bits = (uint16_t)(bits << 8 | packet_byte(p, i));
		for (held = (uint8_t)(held + 8); held >= 6;) {
			held = (uint8_t)(held - 6);
			put(l, base64_digit(bits >> held & 0x3f), 0);
		}
	}
	if (held)
		put(l, base64_digit((uint8_t)(bits << (6 - held) & 0x3f)), 0);
	put(l, '\n', 1);
}

#endif

#if FESCUE_LINES & 4
static void write_datagram(fescue_link *l, const packet *p)
{
	l->o->write(l->o->context, p->head, FESCUE_PACKET_HEAD, 0);
	if (p->data_size)
		l->o->write(l->o->context, p->data, p->data_size, 0);
	l->o->write(l->o->context, p->tail, p->tail_size, 1);
}
#endif

#if FESCUE_LINK_AUTH
/* The tag of a packet of which all bytes before it are given. */
static void tag_of(const fescue_link *l, const uint8_t *key, uint8_t direction, const packet *p, uint8_t tag[32])
{
	fescue_sha256 s;
	(void)l;
	fescue_hmac_begin(&s, key);
	fescue_sha256_add(&s, &direction, 1);
	fescue_sha256_add(&s, p->head, FESCUE_PACKET_HEAD);
	fescue_sha256_add(&s, p->data, p->data_size);
	fescue_sha256_add(&s, p->tail, 4);
	fescue_hmac_end(&s, key, tag);
}

static void derive(const uint8_t *key, const uint8_t *a, const uint8_t *b, uint8_t out[32])
{
	fescue_sha256 s;
	fescue_hmac_begin(&s, key);
	fescue_sha256_add(&s, a, 8);
	if (b)
		fescue_sha256_add(&s, b, 8);
	fescue_hmac_end(&s, key, out);
}
#endif

static void seal(fescue_link *l, packet *p)
{
#if FESCUE_LINK_AUTH
	if (l->o->key) {
		uint8_t tag[32];
		p->head[0] |= AUTHENTICATED;
		p->tail_size = FESCUE_PACKET_TAG;
		put32(p->tail, ++l->counter_out);
		tag_of(l, (p->head[0] & 0x0f) == OPEN ? l->o->key : l->key, 0, p, tag);
		memcpy(p->tail + 4, tag, 8);
		return;
	}
#endif
	(void)l;
	uint32_t crc = 0xffffffff;
	p->tail_size = 0;
	for (uint16_t i = 0; i < FESCUE_PACKET_HEAD + p->data_size; i++)
		crc = crc_add(crc, packet_byte(p, i));
	p->tail_size = FESCUE_PACKET_CRC;
	put32(p->tail, ~crc);
}

static void transmit(fescue_link *l, uint8_t kind, uint8_t sequence, const uint8_t *data, uint16_t n)
{
	packet p = {.head = {kind, sequence, l->expected}, .data = data, .data_size = n};
	if (kind == OPEN)
		p.head[2] = 0;
	seal(l, &p);
#if FESCUE_LINES & 1
	if (l->o->line == FESCUE_SERIAL)
		write_serial(l, &p);
#endif
#if FESCUE_LINES & 2
	if (l->o->line == FESCUE_TEXT)
		write_text(l, &p);
#endif
#if FESCUE_LINES & 4
	if (l->o->line == FESCUE_DATAGRAM)
		write_datagram(l, &p);
#endif
}

static void transmit_data(fescue_link *l)
{
	l->sent_at = fescue_link_now(l);
	transmit(l, DATA, l->sequence, l->o->out, l->flying);
}

static uint16_t in_data(const fescue_link *l) { return (uint16_t)(l->o->in_size - 2 * FESCUE_PACKET_MOST); }

static void transmit_open(fescue_link *l)
{
	uint8_t body[OPEN_BODY] = {1, 1, (uint8_t)in_data(l), (uint8_t)(in_data(l) >> 8)};
	l->o->nonce(l->o->context, body + 4);
#if FESCUE_LINK_AUTH
	memcpy(l->nonce, body + 4, 8);
	l->counter_out = l->counter_in = 0;
#endif
	l->sent_at = fescue_link_now(l);
	transmit(l, OPEN, 0, body, OPEN_BODY);
}

void fescue_link_flush(fescue_link *l)
{
	if (!l->up || l->flying || !l->out_count)
		return;
	l->flying = l->out_count < l->peer_data ? l->out_count : l->peer_data;
	l->tries = 0;
	l->wait = FIRST_WAIT;
	transmit_data(l);
}

uint16_t fescue_link_room(const fescue_link *l) { return l->up ? (uint16_t)(l->o->out_size - l->out_count) : 0; }

uint8_t fescue_link_send(fescue_link *l, const uint8_t *p, uint16_t n)
{
	if (n > fescue_link_room(l))
		return 0;
	if (n)
		memcpy(l->o->out + l->out_count, p, n);
	l->out_count = (uint16_t)(l->out_count + n);
	return 1;
}

void fescue_link_reset(fescue_link *l)
{
	uint8_t was = l->up;
	l->epoch++;
	l->up = l->sequence = l->expected = l->tries = 0;
	l->out_count = l->flying = 0;
	l->wait = FIRST_WAIT;
	if (was)
		l->o->changed(l, 0);
	transmit_open(l);
}

void fescue_link_poll(fescue_link *l)
{
	fescue_ms now = fescue_link_now(l);
	if ((l->up && !l->flying) || (fescue_ms)(now - l->sent_at) < l->wait)
		return;
	uint16_t most = l->up ? RESEND_WAIT : OPEN_WAIT;
	l->wait = (uint16_t)(l->wait * 2 < most ? l->wait * 2 : most);
	if (!l->up) {
		transmit_open(l);
	} else if (++l->tries >= MOST_TRIES) {
		fescue_link_reset(l);
	} else {
		transmit_data(l);
	}
}

void fescue_link_begin(fescue_link *l, const fescue_link_options *o)
{
	memset(l, 0, sizeof *l);
	l->o = o;
	fescue_link_reset(l);
}

/* --- what comes in -------------------------------------------------------- */

static void acknowledged(fescue_link *l, uint8_t next)
{
	if (!l->flying || next != (uint8_t)(l->sequence + 1))
		return;
	l->sequence++;
	l->out_count = (uint16_t)(l->out_count - l->flying);
	memmove(l->o->out, l->o->out + l->flying, l->out_count);
	l->flying = 0;
	fescue_link_flush(l);
}

static void opened(fescue_link *l, const uint8_t *body, uint16_t n)
{
	if (l->up || n != OPEN_BODY || body[0] != 1)
		return;
	l->peer_data = (uint16_t)(body[2] | body[3] << 8);
	if (!l->peer_data)
		return;
#if FESCUE_LINK_AUTH
	if (l->o->key)
		derive(l->o->key, l->nonce, body + 4, l->key);
#endif
	l->up = 1;
	l->o->changed(l, 1);
	fescue_link_flush(l);
}

static void data_came(fescue_link *l, uint8_t sequence, const uint8_t *data, uint16_t n)
{
	if (l->muted)
		return; /* comes again */
	uint8_t wanted = sequence == l->expected;
	if (wanted)
		l->expected++;
	/* The answer goes first: what the bytes lead to may take long. */
	transmit(l, ACK, 0, NULL, 0);
	if (wanted)
		l->o->received(l, data, n);
}

#if FESCUE_LINK_AUTH
/* Whether a packet is the broker's own and new. n: its bytes without the tag. */
static int genuine(fescue_link *l, const uint8_t *p, uint16_t n)
{
	uint8_t key[32], tag[32], differ = 0;
	packet q = {.data = p + FESCUE_PACKET_HEAD, .data_size = (uint16_t)(n - FESCUE_PACKET_HEAD - 4)};
	memcpy(q.head, p, FESCUE_PACKET_HEAD);
	memcpy(q.tail, p + n - 4, 4);
	int first = (p[0] & 0x0f) == OPENED;
	if (first)
		derive(l->o->key, l->nonce, NULL, key);
	tag_of(l, first ? key : l->key, 1, &q, tag);
	for (uint8_t i = 0; i < 8; i++)
		differ |= tag[i] ^ p[n + i];
	uint32_t counter = get32(q.tail);
	if (differ || (!first && !l->up) || counter <= l->counter_in)
		return 0;
	l->counter_in = counter;
	return 1;
}
#endif

/* The number of bytes before the trailer of a packet that is whole, or 0. */
static uint16_t checked(fescue_link *l, const uint8_t *p, uint16_t n)
{
#if FESCUE_LINK_AUTH
	if (l->o->key) {
		if (n < FESCUE_PACKET_HEAD + FESCUE_PACKET_TAG || !(p[0] & AUTHENTICATED))
			return 0;
		return genuine(l, p, (uint16_t)(n - 8)) ? (uint16_t)(n - FESCUE_PACKET_TAG) : 0;
	}
#endif
	(void)l;
	if (n < FESCUE_PACKET_HEAD + FESCUE_PACKET_CRC || p[0] & AUTHENTICATED)
		return 0;
	uint32_t crc = 0xffffffff;
	n = (uint16_t)(n - FESCUE_PACKET_CRC);
	for (uint16_t i = 0; i < n; i++)
		crc = crc_add(crc, p[i]);
	return ~crc == get32(p + n) ? n : 0;
}

void fescue_link_datagram(fescue_link *l, const uint8_t *p, uint16_t n)
{
	uint16_t size = checked(l, p, n);
	if (!size) {
		l->dropped++;
		return;
	}
	const uint8_t *data = p + FESCUE_PACKET_HEAD;
	uint16_t count = (uint16_t)(size - FESCUE_PACKET_HEAD);
	switch (p[0] & 0x0f) {
	case OPENED:
		opened(l, data, count);
		break;
	case DATA:
		if (!l->up)
			break;
		acknowledged(l, p[2]);
		data_came(l, p[1], data, count);
		break;
	case ACK:
		if (l->up)
			acknowledged(l, p[2]);
		break;
	case RESET:
		if (l->up)
			fescue_link_reset(l);
		break;
	}
}

static void keep(fescue_link *l, uint8_t b)
{
	if (l->in_base + l->in_count < l->o->in_size)
		l->o->in[l->in_base + l->in_count++] = b;
	else
		l->bad = 1;
}

/* While a packet is handled, what it leads to may wait for acknowledgements: those
 * come in behind it. */
static void end_packet(fescue_link *l)
{
	uint16_t n = l->in_count, base = l->in_base;
	uint8_t bad = l->bad;
	l->in_count = 0;
	l->bad = l->code = l->zero = l->held = l->started = 0;
	if (!n || bad) {
		l->dropped += bad;
		return;
	}
	l->in_base = (uint16_t)(base + n);
	fescue_link_datagram(l, l->o->in + base, n);
	memmove(l->o->in + base, l->o->in + l->in_base, l->in_count);
	l->in_base = base;
}

#if FESCUE_LINES & 1
static void input_serial(fescue_link *l, uint8_t b)
{
	if (b == 0) {
		if (l->code)
			l->bad = 1; /* cut off within a run */
		end_packet(l);
	} else if (l->code == 0) {
		if (l->zero)
			keep(l, 0);
		l->code = (uint8_t)(b - 1);
		l->zero = b != 255;
	} else {
		l->code--;
		keep(l, b);
	}
}
#endif

#if FESCUE_LINES & 2
static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void input_text(fescue_link *l, uint8_t b)
{
	if (b == '\n') {
		if (!l->started)
			l->bad = 1;
		end_packet(l);
	} else if (b == '~' && l->in_count == 0 && !l->bad && !l->started) {
		l->started = 1;
	} else if (b != '\r') {
		int v = base64_value(b);
		if (v < 0 || !l->started) {
			l->bad = 1;
			return;
		}
		uint16_t bits = (uint16_t)(l->bits << 6 | v);
		l->bits = (uint8_t)bits;
		l->held = (uint8_t)(l->held + 6);
		if (l->held >= 8) {
			l->held = (uint8_t)(l->held - 8);
			keep(l, (uint8_t)(bits >> l->held));
		}
	}
}
#endif

void fescue_link_input(fescue_link *l, uint8_t b)
{
#if FESCUE_LINES & 2
	if (l->o->line == FESCUE_TEXT)
		input_text(l, b);
#endif
#if FESCUE_LINES & 1
	if (l->o->line == FESCUE_SERIAL)
		input_serial(l, b);
#endif
}
