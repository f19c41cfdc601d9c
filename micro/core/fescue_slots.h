/* Slots: where modules lie in flash (or EEPROM, or a file), so that a power cut
 * at any moment leaves either the old module or the new one, and what has come
 * of an interrupted transfer is not sent again.
 *
 * A slot is a head and the module behind it. The head's record is written last of
 * all when a transfer begins; its marks are programmed one by one later on, each
 * once: pages that came, tries, proof, failure, commitment. The commitment holds
 * a number that rises with each, so the slot of a function that runs is the
 * committed, not failed one with the highest number; where that fails, the one
 * before it is still there. */
#ifndef FESCUE_SLOTS_H
#define FESCUE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include "fescue_config.h"

/* The memory, by the port. Erased bytes are 0xff; a byte that is programmed may
 * not be programmed again before its page is erased. */
typedef struct {
	const uint8_t *base; /* where the first slot is, for FESCUE_CODE_BYTE */
	/* Programs n bytes, a multiple of unit at a multiple of unit; erases the page
	 * that begins there. 0: the memory failed. */
	uint8_t (*program)(fescue_at at, const uint8_t *p, uint16_t n);
	uint8_t (*erase)(fescue_at at);
	fescue_at slot_size; /* a multiple of page */
	uint16_t head_size; /* bytes of the head, a multiple of page: see fescue_slot_head */
	uint16_t page;      /* bytes that are erased at once; a transfer resumes at pages */
	uint8_t unit;       /* bytes that are programmed at once: 1, 2, 4, 8 */
	uint8_t count;      /* of slots: two for each function */
#if FESCUE_STATE
	/* Where the functions' state is (fescue_state.h): two banks of state_size bytes, a
	 * multiple of page; 0: there is none. */
	fescue_at state_at, state_size;
#endif
} fescue_flash;

enum { FESCUE_NAME_MOST = 32, FESCUE_NO_SLOT = 0xff };

/* What a slot holds. Strings (name, version, settings) lie behind the record. */
typedef struct {
	/* The record, as it lies in flash. */
	uint32_t magic, size, fuel, memory;
	uint8_t digest[32];
	uint8_t name_length, version_length;
	uint16_t settings_length;
	uint32_t check;
	/* What the marks tell. */
	uint32_t number; /* of the commitment; 0: not committed */
	uint8_t failed, proven, tries;
} fescue_slot_head;

#define FESCUE_SLOT_RECORD offsetof(fescue_slot_head, number)

/* Bytes of the memory that FESCUE_CODE_BYTE reads. */
void fescue_flash_read(void *to, const uint8_t *from, uint16_t n);
uint8_t fescue_flash_same(const uint8_t *flash, const uint8_t *p, uint16_t n);

/* Reads a slot's head; 0: it is empty or was cut off. */
uint8_t fescue_slot_read(const fescue_flash *f, uint8_t slot, fescue_slot_head *h);

/* Places in a slot, for FESCUE_CODE_BYTE. */
const uint8_t *fescue_slot_name(const fescue_flash *f, uint8_t slot);
const uint8_t *fescue_slot_module(const fescue_flash *f, uint8_t slot);
static inline const uint8_t *fescue_slot_settings(const fescue_flash *f, uint8_t slot, const fescue_slot_head *h)
{
	return fescue_slot_name(f, slot) + h->name_length + h->version_length;
}

/* Whether a function of this name is in the slot; and the slot it runs from, or
 * FESCUE_NO_SLOT. */
uint8_t fescue_slot_named(const fescue_flash *f, uint8_t slot, const fescue_slot_head *h, const uint8_t *name, uint16_t length);
uint8_t fescue_slot_of(const fescue_flash *f, const uint8_t *name, uint8_t length);

/* Begins or resumes a transfer: the slot, or FESCUE_NO_SLOT if there is no room.
 * strings are name, version and settings, one behind the other. *offset is what
 * is there already. */
uint8_t fescue_slot_offer(const fescue_flash *f, fescue_slot_head *h, const uint8_t *strings, fescue_at *offset);

/* Keeps bytes of the transfer; pages are marked when they are full, and the last one
 * with last set. n is at most a page, and does not cross into the next one. 0: the
 * memory failed. */
uint8_t fescue_slot_write(const fescue_flash *f, uint8_t slot, fescue_at offset, const uint8_t *p, uint16_t n, uint8_t last);

/* Marks. */
uint8_t fescue_slot_commit(const fescue_flash *f, uint8_t slot);
uint8_t fescue_slot_mark_failed(const fescue_flash *f, uint8_t slot);
void fescue_slot_mark_proven(const fescue_flash *f, uint8_t slot);
void fescue_slot_mark_try(const fescue_flash *f, uint8_t slot, uint8_t tries);
void fescue_slot_forget(const fescue_flash *f, uint8_t slot);

/* How often a module may end with the device, before it is proven. */
enum { FESCUE_TRIES = 2 };

#endif
