#include "fescue_slots.h"

#include <string.h>

/* The head: the record (fescue_slot_head up to its check) and the strings; then, from
 * the head's end downwards, the marks, each of one programming unit: */
enum { MARK_FAILED = 1, MARK_PROVEN = 2, MARK_TRY = 3, MARK_COMMIT = MARK_TRY + FESCUE_TRIES, MARK_PAGES = MARK_COMMIT + 1 };
enum { UNIT_MOST = 8, MAGIC = 0x314c5346 }; /* "FSL1" */
#define OFFER_BEGIN offsetof(fescue_slot_head, size)
#define OFFER_END offsetof(fescue_slot_head, check)

void fescue_flash_read(void *to, const uint8_t *from, uint16_t n)
{
	for (uint8_t *p = to; n > 0; n--)
		*p++ = FESCUE_CODE_BYTE(from++);
}

uint8_t fescue_flash_same(const uint8_t *flash, const uint8_t *p, uint16_t n)
{
	for (; n > 0; n--)
		if (FESCUE_CODE_BYTE(flash++) != *p++)
			return 0;
	return 1;
}

static fescue_at slot_at(const fescue_flash *f, uint8_t slot) { return (fescue_at)(slot * f->slot_size); }

/* A commitment is two words, the number and its complement. */
static uint8_t commit_units(const fescue_flash *f) { return (uint8_t)(f->unit >= 8 ? 1 : 8 / f->unit); }

/* Where a mark is. Those behind the commitment are the pages'. */
static fescue_at mark_at(const fescue_flash *f, uint8_t slot, uint16_t mark)
{
	if (mark >= MARK_COMMIT)
		mark = (uint16_t)(mark + commit_units(f) - 1);
	return (fescue_at)(slot_at(f, slot) + f->head_size - (uint16_t)(mark * f->unit));
}

static uint8_t marked(const fescue_flash *f, uint8_t slot, uint16_t mark) { return FESCUE_CODE_BYTE(f->base + mark_at(f, slot, mark)) != 0xff; }

static uint8_t set_mark(const fescue_flash *f, uint8_t slot, uint16_t mark)
{
	uint8_t zeros[UNIT_MOST] = {0};
	return marked(f, slot, mark) || f->program(mark_at(f, slot, mark), zeros, f->unit);
}

static uint16_t pages_of(const fescue_flash *f, fescue_at size) { return (uint16_t)((size + f->page - 1u) / f->page); }

static uint16_t strings_of(const fescue_slot_head *h) { return (uint16_t)(h->name_length + h->version_length + h->settings_length); }

/* FNV-1a over the record up to the checksum, and the strings in flash. */
static uint32_t check(const fescue_flash *f, uint8_t slot, const fescue_slot_head *h)
{
	uint32_t sum = 0x811c9dc5;
	const uint8_t *strings = fescue_slot_name(f, slot);
	for (uint16_t i = 0; i < OFFER_END + strings_of(h); i++)
		sum = (sum ^ (i < OFFER_END ? ((const uint8_t *)h)[i] : FESCUE_CODE_BYTE(strings + i - OFFER_END))) * 0x01000193;
	return sum;
}

static uint8_t fits(const fescue_flash *f, const fescue_slot_head *h)
{
	if (h->size - 1 >= (fescue_at)(f->slot_size - f->head_size) || h->name_length > FESCUE_NAME_MOST || h->settings_length > f->head_size)
		return 0;
	fescue_at units = (fescue_at)(MARK_PAGES + commit_units(f) + pages_of(f, (fescue_at)h->size));
	return (fescue_at)(FESCUE_SLOT_RECORD + strings_of(h) + UNIT_MOST + (fescue_at)(units * f->unit)) <= f->head_size;
}

uint8_t fescue_slot_read(const fescue_flash *f, uint8_t slot, fescue_slot_head *h)
{
	uint32_t words[2];
	memset(h, 0, sizeof *h);
	fescue_flash_read(h, f->base + slot_at(f, slot), FESCUE_SLOT_RECORD);
	if (h->magic != MAGIC || !fits(f, h) || check(f, slot, h) != h->check)
		return 0;
	h->failed = marked(f, slot, MARK_FAILED);
	h->proven = marked(f, slot, MARK_PROVEN);
	while (h->tries < FESCUE_TRIES && marked(f, slot, (uint16_t)(MARK_TRY + h->tries)))
		h->tries++;
	fescue_flash_read(words, f->base + mark_at(f, slot, MARK_COMMIT), sizeof words);
	if (words[0] == ~words[1])
		h->number = words[0];
	return 1;
}

const uint8_t *fescue_slot_name(const fescue_flash *f, uint8_t slot) { return f->base + slot_at(f, slot) + FESCUE_SLOT_RECORD; }

const uint8_t *fescue_slot_module(const fescue_flash *f, uint8_t slot) { return f->base + slot_at(f, slot) + f->head_size; }

uint8_t fescue_slot_named(const fescue_flash *f, uint8_t slot, const fescue_slot_head *h, const uint8_t *name, uint16_t length)
{
	return h->name_length == length && fescue_flash_same(fescue_slot_name(f, slot), name, length);
}

static uint8_t runs(const fescue_slot_head *h) { return h->number != 0 && !h->failed; }

uint8_t fescue_slot_of(const fescue_flash *f, const uint8_t *name, uint8_t length)
{
	fescue_slot_head h;
	uint8_t best = FESCUE_NO_SLOT;
	uint32_t number = 0;
	for (uint8_t i = 0; i < f->count; i++) {
		if (fescue_slot_read(f, i, &h) && runs(&h) && h.number > number && fescue_slot_named(f, i, &h, name, length)) {
			best = i;
			number = h.number;
		}
	}
	return best;
}

/* Whether a function runs from the slot: those are not written over. */
static uint8_t in_use(const fescue_flash *f, uint8_t slot, const fescue_slot_head *h)
{
	uint8_t name[FESCUE_NAME_MOST];
	fescue_flash_read(name, fescue_slot_name(f, slot), h->name_length);
	return fescue_slot_of(f, name, h->name_length) == slot;
}

/* A slot for a new module: an empty or failed one before one that holds an older
 * version, or a transfer that was given up. Where there is but one slot, it is that. */
static uint8_t pick(const fescue_flash *f)
{
	fescue_slot_head h;
	uint8_t best = FESCUE_NO_SLOT;
	for (uint8_t i = 0; i < f->count; i++) {
		if (f->count == 1 || !fescue_slot_read(f, i, &h) || h.failed)
			return i;
		if (!in_use(f, i, &h))
			best = i;
	}
	return best;
}

static fescue_at progress(const fescue_flash *f, uint8_t slot, fescue_at size)
{
	uint16_t page = 0, all = pages_of(f, size);
	while (page < all && marked(f, slot, (uint16_t)(MARK_PAGES + page)))
		page++;
	return page == all ? size : (fescue_at)(page * f->page);
}

/* Programs bytes of any number: units from the first on, the last one filled up
 * with 0xff. at is a multiple of the unit. */
static uint8_t program(const fescue_flash *f, fescue_at at, const uint8_t *p, uint16_t n)
{
	uint8_t last[UNIT_MOST];
	uint16_t whole = (uint16_t)(n / f->unit * f->unit);
	if (whole && !f->program(at, p, whole))
		return 0;
	if (whole == n)
		return 1;
	memset(last, 0xff, sizeof last);
	memcpy(last, p + whole, (size_t)(n - whole));
	return f->program((fescue_at)(at + whole), last, f->unit);
}

static uint8_t erase_slot(const fescue_flash *f, uint8_t slot)
{
	for (fescue_at at = 0; at < f->slot_size; at = (fescue_at)(at + f->page))
		if (!f->erase((fescue_at)(slot_at(f, slot) + at)))
			return 0;
	return 1;
}

/* The record goes last, and its checksum with it: what is cut off is no slot. */
static uint8_t write_head(const fescue_flash *f, uint8_t slot, fescue_slot_head *h, const uint8_t *strings)
{
	if (!program(f, (fescue_at)(slot_at(f, slot) + FESCUE_SLOT_RECORD), strings, strings_of(h)))
		return 0;
	h->magic = MAGIC;
	h->check = check(f, slot, h);
	return f->program(slot_at(f, slot), (const uint8_t *)h, FESCUE_SLOT_RECORD);
}

uint8_t fescue_slot_offer(const fescue_flash *f, fescue_slot_head *h, const uint8_t *strings, fescue_at *offset)
{
	fescue_slot_head there;
	*offset = 0;
	if (!fits(f, h))
		return FESCUE_NO_SLOT;
	for (uint8_t i = 0; i < f->count; i++) {
		if (!fescue_slot_read(f, i, &there) || there.failed ||
		    memcmp((const uint8_t *)&there + OFFER_BEGIN, (const uint8_t *)h + OFFER_BEGIN, OFFER_END - OFFER_BEGIN) != 0 ||
		    !fescue_flash_same(fescue_slot_name(f, i), strings, strings_of(h)))
			continue;
		/* An older version that was there before is committed anew, with a new number. */
		if (there.number != 0 && !in_use(f, i, &there))
			continue;
		*offset = progress(f, i, (fescue_at)h->size);
		/* What came of a page that is not whole is sent again, onto a clean page. */
		if (*offset < h->size && !f->erase((fescue_at)(slot_at(f, i) + f->head_size + *offset)))
			return FESCUE_NO_SLOT;
		return i;
	}
	uint8_t slot = pick(f);
	if (slot == FESCUE_NO_SLOT || !erase_slot(f, slot) || !write_head(f, slot, h, strings))
		return FESCUE_NO_SLOT;
	return slot;
}

uint8_t fescue_slot_write(const fescue_flash *f, uint8_t slot, fescue_at offset, const uint8_t *p, uint16_t n, uint8_t last)
{
	if (!program(f, (fescue_at)(slot_at(f, slot) + f->head_size + offset), p, n))
		return 0;
	if (!last && (fescue_at)(offset + n) % f->page != 0)
		return 1;
	return set_mark(f, slot, (uint16_t)(MARK_PAGES + offset / f->page));
}

uint8_t fescue_slot_commit(const fescue_flash *f, uint8_t slot)
{
	fescue_slot_head h;
	uint32_t number = 0;
	for (uint8_t i = 0; i < f->count; i++)
		if (fescue_slot_read(f, i, &h) && h.number > number)
			number = h.number;
	if (!fescue_slot_read(f, slot, &h))
		return 0;
	if (h.number != 0)
		return 1;
	uint32_t words[2];
	fescue_flash_read(words, f->base + mark_at(f, slot, MARK_COMMIT), sizeof words);
	if ((words[0] & words[1]) != 0xffffffff) {
		/* The power went within these bytes, which can't be programmed again. */
		fescue_slot_forget(f, slot);
		return 0;
	}
	words[0] = number + 1;
	words[1] = ~(number + 1);
	return f->program(mark_at(f, slot, MARK_COMMIT), (const uint8_t *)words, sizeof words);
}

uint8_t fescue_slot_mark_failed(const fescue_flash *f, uint8_t slot) { return set_mark(f, slot, MARK_FAILED); }
void fescue_slot_mark_proven(const fescue_flash *f, uint8_t slot) { set_mark(f, slot, MARK_PROVEN); }
void fescue_slot_mark_try(const fescue_flash *f, uint8_t slot, uint8_t tries) { set_mark(f, slot, (uint16_t)(MARK_TRY + tries)); }

/* The first page holds the record; without it there is no slot. */
void fescue_slot_forget(const fescue_flash *f, uint8_t slot) { f->erase(slot_at(f, slot)); }
