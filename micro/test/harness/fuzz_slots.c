/* Fuzzing of the slots: the input is a sequence of operations, among them power cuts. No
 * byte is programmed twice before its page is erased, nothing is written beyond the
 * store, and the version that runs is one that was committed. */
#include <string.h>

#include "../../core/fescue_slots.h"

enum { SLOT = 512, HEAD = 256, PAGE = 64, SLOTS = 3 };

static uint8_t store[SLOT * SLOTS];
static int32_t power; /* bytes that are programmed before it goes; -1: it stays */

static uint8_t on(void)
{
	if (power > 0)
		power--;
	return power != 0;
}

static uint8_t program(fescue_at at, const uint8_t *p, uint16_t n)
{
	if (at + n > sizeof store)
		__builtin_trap();
	for (uint16_t i = 0; i < n; i++) {
		if (!on())
			return 0;
		if (store[at + i] != 0xff)
			__builtin_trap();
		store[at + i] = p[i];
	}
	return 1;
}

static uint8_t erase(fescue_at at)
{
	if (at % PAGE != 0 || at + PAGE > sizeof store)
		__builtin_trap();
	if (!on())
		return 0;
	memset(store + at, 0xff, PAGE);
	return 1;
}

static const fescue_flash flash = {
	.base = store, .program = program, .erase = erase, .slot_size = SLOT, .head_size = HEAD, .page = PAGE, .unit = 1, .count = SLOTS};

/* What runs is whole: its pages are all marked, and its number is told. */
static void check(void)
{
	fescue_slot_head h;
	for (uint8_t name = 'a'; name <= 'c'; name++) {
		uint8_t slot = fescue_slot_of(&flash, &name, 1);
		if (slot != FESCUE_NO_SLOT && (!fescue_slot_read(&flash, slot, &h) || h.number == 0 || h.failed))
			__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t chunk[PAGE];
	fescue_slot_head h = {0};
	fescue_at offset = 0;
	uint8_t slot = FESCUE_NO_SLOT;
	memset(store, 0xff, sizeof store);
	power = -1;
	for (size_t i = 0; i + 1 < size; i += 2) {
		uint8_t value = data[i + 1], name = (uint8_t)('a' + value % 3);
		uint8_t running = slot != FESCUE_NO_SLOT && fescue_slot_read(&flash, slot, &h);
		switch (data[i] % 6) {
		case 0:
			h = (fescue_slot_head){.size = 1u + value, .name_length = 1};
			h.digest[0] = value;
			slot = fescue_slot_offer(&flash, &h, &name, &offset);
			break;
		case 1:
			if (running && h.number == 0 && offset < h.size) {
				uint16_t n = (uint16_t)(h.size - offset < PAGE ? h.size - offset : PAGE);
				if (fescue_slot_write(&flash, slot, offset, chunk, n, offset + n == h.size))
					offset += n;
				else
					slot = FESCUE_NO_SLOT; /* the transfer is given up, and offered again */
			}
			break;
		case 2:
			if (running && offset == h.size)
				fescue_slot_commit(&flash, slot);
			break;
		case 3:
			if (running && h.number != 0)
				value & 1 ? (void)fescue_slot_mark_failed(&flash, slot) : fescue_slot_mark_proven(&flash, slot);
			break;
		case 4:
			fescue_slot_forget(&flash, (uint8_t)(value % SLOTS));
			slot = FESCUE_NO_SLOT;
			break;
		default: /* the power goes, at the next start it is there again */
			if (power == 0)
				slot = FESCUE_NO_SLOT;
			power = power < 0 ? value : -1;
		}
		if (power == 0) {
			slot = FESCUE_NO_SLOT;
			power = -1;
		}
		check();
	}
	return 0;
}
