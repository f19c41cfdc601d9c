/* The functions' state: a small store of keys and values in flash, which a power cut at
 * any moment leaves as it was before a change or after it.
 *
 * There are two banks. One has a head and records behind one another; the last record of
 * a key counts, one without a value removes it. When the bank is full, what counts is
 * copied to the other one, whose head, with a higher number, is written last of all. */
#ifndef FESCUE_STATE_H
#define FESCUE_STATE_H

#include "fescue_slots.h"

typedef struct {
	const fescue_flash *flash;
	uint8_t bank;    /* the one that counts */
	uint8_t closed;  /* nothing more goes behind its end: a record was cut off there */
	uint32_t number; /* of the bank; 0: none counts */
	fescue_at end;   /* behind the last record, from the bank's begin */
} fescue_state;

/* A key of a function; both lie in memory. No key: all that the function has. */
typedef struct {
	const uint8_t *name, *key;
	uint8_t name_length;
	uint16_t key_length;
} fescue_state_key;

enum { FESCUE_KEY_MOST = 256 };

/* Whether bytes can be a key (sdk/protocol.md, State). */
uint8_t fescue_state_is_key(const uint8_t *p, uint32_t n);

void fescue_state_open(fescue_state *s, const fescue_flash *f);

/* Where the value lies, for FESCUE_CODE_BYTE, and its length; NULL: there is none. */
const uint8_t *fescue_state_find(const fescue_state *s, const fescue_state_key *k, uint16_t *length);

/* Writes a value; none removes it. */
typedef enum { FESCUE_STATE_OK, FESCUE_STATE_FULL, FESCUE_STATE_FAILED } fescue_state_status;
fescue_state_status fescue_state_set(fescue_state *s, const fescue_state_key *k, const uint8_t *value, uint32_t length);

#endif
