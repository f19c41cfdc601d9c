#include "fescue_slots.h"

#include <string.h>

/* The head, from its begin: magic, size, fuel, memory (u32 each), digest, lengths
 * (u8, u8, u16), checksum over all that and the strings; the strings; then, from
 * the head's end downwards, the marks, each of one programming unit: */
enum { AT_MAGIC = 0, AT_SIZE = 4, AT_FUEL = 8, AT_MEMORY = 12, AT_DIGEST = 16, AT_LENGTHS = 48, AT_CHECK = 52 };
enum { MARK_FAILED = 1, MARK_PROVEN = 2, MARK_TRY = 3, MARK_COMMIT = MARK_TRY + FESCUE_TRIES, MARK_PAGES = MARK_COMMIT + 1 };
enum { UNIT_MOST = 8 };

static const uint8_t magic[4] FESCUE_ROM = {'F', 'S', 'L', '1'};

static uint8_t byte_at(const fescue_flash *f, uint32_t at) { return FESCUE_CODE_BYTE(f->base + at); }

static uint32_t word_at(const fescue_flash *f, uint32_t at)
{
	uint32_t v = 0;
	for (uint8_t i = 4; i > 0; i--)
		v = v << 8 | byte_at(f, at + i - 1);
	return v;
}

static uint32_t slot_at(const fescue_flash *f, uint8_t slot) { return slot * f->slot_size; }

/* A commitment is two words, the number and its complement. */
static uint8_t commit_units(const fescue_flash *f) { return (uint8_t)(f->unit >= 8 ? 1 : 8 / f->unit); }

/* Where a mark is. Those behind the commitment are the pages'. */
static uint32_t mark_at(const fescue_flash *f, uint8_t slot, uint16_t mark)
{
	uint32_t units = mark;
	if (mark >= MARK_COMMIT)
		units += commit_units(f) - 1u;
	return slot_at(f, slot) + f->head_size - units * f->unit;
}

static uint8_t marked(const fescue_flash *f, uint8_t slot, uint16_t mark) { return byte_at(f, mark_at(f, slot, mark)) != 0xff; }

static uint8_t set_mark(const fescue_flash *f, uint8_t slot, uint16_t mark)
{
	uint8_t zeros[UNIT_MOST] = {0};
	return marked(f, slot, mark) || f->program(mark_at(f, slot, mark), zeros, f->unit);
}

static uint16_t pages_of(const fescue_flash *f, uint32_t size) { return (uint16_t)((size + f->page - 1) / f->page); }

/* FNV-1a over the record up to the checksum, and the strings. */
static uint32_t check(const fescue_flash *f, uint8_t slot, uint16_t strings)
{
	uint32_t sum = 0x811c9dc5, at = slot_at(f, slot);
	for (uint16_t i = 0; i < AT_CHECK + strings; i++)
		sum = (sum ^ byte_at(f, at + i + (i >= AT_CHECK ? 4u : 0u))) * 0x01000193;
	return sum;
}

static uint16_t strings_of(const fescue_slot_head *h) { return (uint16_t)(h->name_length + h->version_length + h->settings_length); }

static uint8_t fits(const fescue_flash *f, const fescue_slot_head *h)
{
	uint32_t marks = (uint32_t)(MARK_PAGES + commit_units(f) + pages_of(f, h->size)) * f->unit;
	return h->size != 0 && h->size <= f->slot_size - f->head_size && h->name_length <= FESCUE_NAME_MOST &&
	       FESCUE_SLOT_RECORD + (uint32_t)strings_of(h) + UNIT_MOST + marks <= f->head_size;
}

uint8_t fescue_slot_read(const fescue_flash *f, uint8_t slot, fescue_slot_head *h)
{
	uint32_t at = slot_at(f, slot);
	memset(h, 0, sizeof *h);
	for (uint8_t i = 0; i < sizeof magic; i++)
		if (byte_at(f, at + i) != FESCUE_ROM_BYTE(&magic[i]))
			return 0;
	h->size = word_at(f, at + AT_SIZE);
	h->fuel = word_at(f, at + AT_FUEL);
	h->memory = word_at(f, at + AT_MEMORY);
	for (uint8_t i = 0; i < sizeof h->digest; i++)
		h->digest[i] = byte_at(f, at + AT_DIGEST + i);
	uint32_t lengths = word_at(f, at + AT_LENGTHS);
	h->name_length = (uint8_t)lengths;
	h->version_length = (uint8_t)(lengths >> 8);
	h->settings_length = (uint16_t)(lengths >> 16);
	if (!fits(f, h) || check(f, slot, strings_of(h)) != word_at(f, at + AT_CHECK))
		return 0;
	h->valid = 1;
	h->failed = marked(f, slot, MARK_FAILED);
	h->proven = marked(f, slot, MARK_PROVEN);
	while (h->tries < FESCUE_TRIES && marked(f, slot, (uint16_t)(MARK_TRY + h->tries)))
		h->tries++;
	uint32_t commit = mark_at(f, slot, MARK_COMMIT), number = word_at(f, commit);
	if (number == ~word_at(f, commit + 4))
		h->number = number;
	return 1;
}

const uint8_t *fescue_slot_name(const fescue_flash *f, uint8_t slot) { return f->base + slot_at(f, slot) + FESCUE_SLOT_RECORD; }

const uint8_t *fescue_slot_module(const fescue_flash *f, uint8_t slot) { return f->base + slot_at(f, slot) + f->head_size; }

static uint8_t named(const fescue_flash *f, uint8_t slot, const fescue_slot_head *h, const uint8_t *name, uint8_t length)
{
	const uint8_t *own = fescue_slot_name(f, slot);
	if (h->name_length != length)
		return 0;
	for (uint8_t i = 0; i < length; i++)
		if (FESCUE_CODE_BYTE(own + i) != name[i])
			return 0;
	return 1;
}

static uint8_t runs(const fescue_slot_head *h) { return h->number != 0 && !h->failed; }

uint8_t fescue_slot_of(const fescue_flash *f, const uint8_t *name, uint8_t length)
{
	fescue_slot_head h;
	uint8_t best = FESCUE_NO_SLOT;
	uint32_t number = 0;
	for (uint8_t i = 0; i < f->count; i++) {
		if (fescue_slot_read(f, i, &h) && runs(&h) && h.number > number && named(f, i, &h, name, length)) {
			best = i;
			number = h.number;
		}
	}
	return best;
}

static uint8_t same_offer(const fescue_slot_head *a, const fescue_slot_head *b)
{
	return a->size == b->size && a->fuel == b->fuel && a->memory == b->memory && memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

/* Whether the strings of a slot are these. */
static uint8_t same_strings(const fescue_flash *f, uint8_t slot, const uint8_t *strings, uint16_t n)
{
	const uint8_t *own = fescue_slot_name(f, slot);
	for (uint16_t i = 0; i < n; i++)
		if (FESCUE_CODE_BYTE(own + i) != strings[i])
			return 0;
	return 1;
}

/* Whether a function runs from the slot: those are not written over. */
static uint8_t in_use(const fescue_flash *f, uint8_t slot, const fescue_slot_head *h)
{
	uint8_t name[FESCUE_NAME_MOST];
	const uint8_t *own = fescue_slot_name(f, slot);
	for (uint8_t i = 0; i < h->name_length; i++)
		name[i] = FESCUE_CODE_BYTE(own + i);
	return runs(h) && fescue_slot_of(f, name, h->name_length) == slot;
}

/* A slot for a new module: an empty or failed one before one that holds an older
 * version, or a transfer that was given up. */
static uint8_t pick(const fescue_flash *f)
{
	fescue_slot_head h;
	uint8_t best = FESCUE_NO_SLOT;
	for (uint8_t i = 0; i < f->count; i++) {
		if (!fescue_slot_read(f, i, &h) || h.failed)
			return i;
		if (!in_use(f, i, &h))
			best = i;
	}
	return best;
}

static uint32_t progress(const fescue_flash *f, uint8_t slot, uint32_t size)
{
	uint16_t page = 0, all = pages_of(f, size);
	while (page < all && marked(f, slot, (uint16_t)(MARK_PAGES + page)))
		page++;
	return page == all ? size : (uint32_t)page * f->page;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (uint8_t i = 0; i < 4; i++, v >>= 8)
		p[i] = (uint8_t)v;
}

/* Programs bytes of any number: units from the first on, the last one filled up
 * with 0xff. at is a multiple of the unit. */
static uint8_t program(const fescue_flash *f, uint32_t at, const uint8_t *p, uint16_t n)
{
	uint8_t last[UNIT_MOST];
	uint16_t whole = (uint16_t)(n / f->unit * f->unit);
	if (whole && !f->program(at, p, whole))
		return 0;
	if (whole == n)
		return 1;
	memset(last, 0xff, sizeof last);
	memcpy(last, p + whole, (size_t)(n - whole));
	return f->program(at + whole, last, f->unit);
}

static uint8_t erase_slot(const fescue_flash *f, uint8_t slot)
{
	for (uint32_t at = 0; at < f->slot_size; at += f->page)
		if (!f->erase(slot_at(f, slot) + at))
			return 0;
	return 1;
}

/* The record goes last, and its checksum with it: what is cut off is no slot. */
static uint8_t write_head(const fescue_flash *f, uint8_t slot, const fescue_slot_head *h, const uint8_t *strings)
{
	uint8_t record[FESCUE_SLOT_RECORD];
	for (uint8_t i = 0; i < sizeof magic; i++)
		record[i] = FESCUE_ROM_BYTE(&magic[i]);
	put32(record + AT_SIZE, h->size);
	put32(record + AT_FUEL, h->fuel);
	put32(record + AT_MEMORY, h->memory);
	memcpy(record + AT_DIGEST, h->digest, sizeof h->digest);
	put32(record + AT_LENGTHS, h->name_length | (uint32_t)h->version_length << 8 | (uint32_t)h->settings_length << 16);
	uint32_t sum = 0x811c9dc5;
	for (uint16_t i = 0; i < AT_CHECK + strings_of(h); i++)
		sum = (sum ^ (i < AT_CHECK ? record[i] : strings[i - AT_CHECK])) * 0x01000193;
	put32(record + AT_CHECK, sum);
	return program(f, slot_at(f, slot) + FESCUE_SLOT_RECORD, strings, strings_of(h)) &&
	       f->program(slot_at(f, slot), record, FESCUE_SLOT_RECORD);
}

uint8_t fescue_slot_offer(const fescue_flash *f, const fescue_slot_head *h, const uint8_t *strings, uint32_t *offset)
{
	fescue_slot_head there;
	*offset = 0;
	if (!fits(f, h))
		return FESCUE_NO_SLOT;
	for (uint8_t i = 0; i < f->count; i++) {
		if (!fescue_slot_read(f, i, &there) || there.failed || !same_offer(&there, h) || strings_of(&there) != strings_of(h) ||
		    !same_strings(f, i, strings, strings_of(h)))
			continue;
		/* An older version that was there before is committed anew, with a new number. */
		if (there.number != 0 && !in_use(f, i, &there))
			continue;
		*offset = progress(f, i, h->size);
		/* What came of a page that is not whole is sent again, onto a clean page. */
		if (*offset < h->size && !f->erase(slot_at(f, i) + f->head_size + *offset))
			return FESCUE_NO_SLOT;
		return i;
	}
	uint8_t slot = pick(f);
	if (slot == FESCUE_NO_SLOT || !erase_slot(f, slot) || !write_head(f, slot, h, strings))
		return FESCUE_NO_SLOT;
	return slot;
}

uint8_t fescue_slot_write(const fescue_flash *f, uint8_t slot, uint32_t offset, const uint8_t *p, uint16_t n, uint8_t last)
{
	if (!program(f, slot_at(f, slot) + f->head_size + offset, p, n))
		return 0;
	if (!last && (offset + n) % f->page != 0)
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
	uint8_t words[8];
	put32(words, number + 1);
	put32(words + 4, ~(number + 1));
	return f->program(mark_at(f, slot, MARK_COMMIT), words, 8);
}

void fescue_slot_mark_failed(const fescue_flash *f, uint8_t slot) { set_mark(f, slot, MARK_FAILED); }
void fescue_slot_mark_proven(const fescue_flash *f, uint8_t slot) { set_mark(f, slot, MARK_PROVEN); }
void fescue_slot_mark_try(const fescue_flash *f, uint8_t slot, uint8_t tries) { set_mark(f, slot, (uint16_t)(MARK_TRY + tries)); }

/* The first page holds the record; without it there is no slot. */
void fescue_slot_forget(const fescue_flash *f, uint8_t slot) { f->erase(slot_at(f, slot)); }
