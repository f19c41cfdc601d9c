/* The link: a stream of bytes in both directions over a line that loses and
 * garbles (serial) or over datagrams (UDP), as "Packets" in sdk/protocol.md:
 * numbered, checked, acknowledged, sent again; authenticated if there is a key.
 *
 * The port gives bytes to input() and calls poll() now and then; the user is
 * told of the stream's bytes and writes with send(). Stop and wait: one packet
 * at a time is on its way in each direction, and no packet is kept but the one. */
#ifndef FESCUE_LINK_H
#define FESCUE_LINK_H

#include <stdint.h>

#include "fescue_config.h"
#include "fescue_sha256.h"

typedef enum { FESCUE_SERIAL, FESCUE_TEXT, FESCUE_DATAGRAM } fescue_line;

/* Bytes of a packet around its data. */
enum { FESCUE_PACKET_HEAD = 3, FESCUE_PACKET_CRC = 4, FESCUE_PACKET_TAG = 12, FESCUE_PACKET_MOST = 15 };

typedef struct fescue_link fescue_link;

typedef struct {
	fescue_line line;
	void *context;
	/* Writes bytes to the line; waits while it is full. flush: the packet ends
	 * here (a datagram goes out). */
	void (*write)(void *context, const uint8_t *p, uint16_t n, uint8_t flush);
	uint32_t (*millis)(void *context);
	/* Eight bytes that were never given before: random, or a boot counter kept in
	 * flash together with a counter. */
	void (*nonce)(void *context, uint8_t nonce[8]);
	/* Bytes of the stream have come; the session began (1) or broke off (0). The agent
	 * sets these two. */
	void (*received)(fescue_link *l, const uint8_t *p, uint16_t n);
	void (*changed)(fescue_link *l, uint8_t up);
	uint8_t *in;       /* room for one packet: the data and 2 * FESCUE_PACKET_MOST bytes */
	uint8_t *out;      /* room for bytes to send that are not acknowledged yet */
	uint16_t in_size, out_size;
	const uint8_t *key; /* 32 bytes, or NULL: no authentication */
} fescue_link_options;

struct fescue_link {
	const fescue_link_options *o;
	fescue_ms sent_at; /* when the packet on its way went out last */
	uint16_t wait;     /* ms until it goes out again */
	uint16_t in_count; /* bytes of the packet that comes in … */
	uint16_t in_base;  /* … and where: behind the one that is being handled */
	uint16_t out_count, flying; /* bytes in out, and of those on their way */
	uint16_t peer_data;         /* data of a packet that the other side takes */
	uint8_t up, tries, sequence, expected;
	uint8_t epoch; /* rises with each session */
	uint8_t code, zero;   /* of COBS: bytes until the next code; whether a zero follows */
	uint8_t bits, held;   /* of base64: bits held back, and how many */
	uint8_t bad, started; /* the packet that comes in is to be dropped; a text line began */
	uint8_t muted;        /* data that comes in is not taken now */
	uint32_t dropped;     /* packets that did not come whole, for the curious */
#if FESCUE_LINK_AUTH
	uint32_t counter_in, counter_out;
	uint8_t nonce[8], key[32];
#endif
};

void fescue_link_begin(fescue_link *l, const fescue_link_options *o);

/* One byte of the line has come; or one datagram. */
void fescue_link_input(fescue_link *l, uint8_t b);
void fescue_link_datagram(fescue_link *l, const uint8_t *p, uint16_t n);

/* Sends again what was not answered, and opens the session. Call it at least ten
 * times a second. */
void fescue_link_poll(fescue_link *l);

/* Bytes that send() takes now. */
uint16_t fescue_link_room(const fescue_link *l);

/* Takes bytes for the stream: all of them, or none (0). They go out with flush. */
uint8_t fescue_link_send(fescue_link *l, const uint8_t *p, uint16_t n);
void fescue_link_flush(fescue_link *l);

/* Milliseconds, as the port tells them. */
static inline fescue_ms fescue_link_now(const fescue_link *l) { return (fescue_ms)l->o->millis(l->o->context); }

/* Begins the session anew. */
void fescue_link_reset(fescue_link *l);

#endif
