#include "fescue_config.h"

#if FESCUE_STATE
#include <string.h>

#include "fescue_agent.h"
#include "fescue_state.h"

/* A record: this, then the function's name, the key, the value, and what fills up the last
 * unit. Its first byte is programmed first, so what begins with 0xff is free. */
typedef struct {
	uint8_t name_length, key_last; /* the key's length minus one */
	uint16_t length;
	uint32_t check;
} record;

typedef struct {
	uint32_t magic, number, complement, spare;
} head;

enum { MAGIC = 0x31545346 /* "FST1" */, FREE = 0xff };

static const uint8_t *bank_of(const fescue_state *s, uint8_t bank)
{
	return s->flash->base + s->flash->state_at + (fescue_at)(bank * s->flash->state_size);
}

static const uint8_t *place(const fescue_state *s, fescue_at at) { return bank_of(s, s->bank) + at; }

static fescue_at keys_of(const record *r) { return (fescue_at)(r->name_length + r->key_last + 1u); }

static fescue_at size_of(const fescue_state *s, const record *r)
{
	fescue_at n = (fescue_at)(sizeof *r + keys_of(r) + r->length);
	return (fescue_at)((n + s->flash->unit - 1u) / s->flash->unit * s->flash->unit);
}

/* FNV-1a. */
static uint32_t add_check(uint32_t sum, uint8_t b) { return (sum ^ b) * 0x01000193; }

static uint32_t check_head(const record *r)
{
	uint32_t sum = 0x811c9dc5;
	for (uint8_t i = 0; i < offsetof(record, check); i++)
		sum = add_check(sum, ((const uint8_t *)r)[i]);
	return sum;
}

/* Reads the record at a place; 0: there is none. */
static uint8_t read(const fescue_state *s, fescue_at at, record *r)
{
	if ((fescue_at)(at + sizeof *r) > s->flash->state_size)
		return 0;
	fescue_flash_read(r, place(s, at), sizeof *r);
	return r->name_length != FREE;
}

static uint8_t whole(const fescue_state *s, fescue_at at, const record *r)
{
	if (r->name_length > FESCUE_NAME_MOST || r->length > s->flash->state_size || size_of(s, r) > (fescue_at)(s->flash->state_size - at))
		return 0;
	uint32_t sum = check_head(r);
	const uint8_t *p = place(s, (fescue_at)(at + sizeof *r));
	for (fescue_at n = (fescue_at)(keys_of(r) + r->length); n > 0; n--)
		sum = add_check(sum, FESCUE_CODE_BYTE(p++));
	return sum == r->check;
}

void fescue_state_open(fescue_state *s, const fescue_flash *f)
{
	record r;
	memset(s, 0, sizeof *s);
	s->flash = f;
	for (uint8_t bank = 0; bank < 2; bank++) {
		head h;
		fescue_flash_read(&h, bank_of(s, bank), sizeof h);
		if (h.magic == MAGIC && h.number == ~h.complement && h.number > s->number) {
			s->bank = bank;
			s->number = h.number;
		}
	}
	if (s->number == 0)
		return;
	for (s->end = sizeof(head); read(s, s->end, &r); s->end = (fescue_at)(s->end + size_of(s, &r))) {
		s->closed = !whole(s, s->end, &r);
		if (s->closed)
			return;
	}
}

/* Whether a record is of a key, or with no key of a function. */
static uint8_t is_of(const fescue_state *s, fescue_at at, const record *r, const fescue_state_key *k)
{
	const uint8_t *p = place(s, (fescue_at)(at + sizeof *r));
	if (r->name_length != k->name_length || !fescue_flash_same(p, k->name, k->name_length))
		return 0;
	return k->key == NULL || (r->key_last + 1u == k->key_length && fescue_flash_same(p + k->name_length, k->key, k->key_length));
}

/* The last record of a key; 0: there is none. */
static fescue_at find(const fescue_state *s, const fescue_state_key *k, record *r)
{
	fescue_at found = 0;
	record other;
	for (fescue_at at = sizeof(head); at < s->end && read(s, at, &other); at = (fescue_at)(at + size_of(s, &other))) {
		if (is_of(s, at, &other, k)) {
			found = at;
			*r = other;
		}
	}
	return found;
}

const uint8_t *fescue_state_find(const fescue_state *s, const fescue_state_key *k, uint16_t *length)
{
	record r;
	fescue_at at = find(s, k, &r);
	if (at == 0 || r.length == 0)
		return NULL;
	*length = r.length;
	return place(s, (fescue_at)(at + sizeof r + keys_of(&r)));
}

/* Whether a record counts: it has a value, and no later one is of its key. */
static uint8_t counts(const fescue_state *s, fescue_at at, const record *r)
{
	record later;
	const uint8_t *keys = place(s, (fescue_at)(at + sizeof *r));
	if (r->length == 0)
		return 0;
	for (at = (fescue_at)(at + size_of(s, r)); at < s->end && read(s, at, &later); at = (fescue_at)(at + size_of(s, &later))) {
		const uint8_t *p = place(s, (fescue_at)(at + sizeof later));
		fescue_at i = 0, n = keys_of(r);
		if (later.name_length != r->name_length || later.key_last != r->key_last)
			continue;
		while (i < n && FESCUE_CODE_BYTE(keys + i) == FESCUE_CODE_BYTE(p + i))
			i++;
		if (i == n)
			return 0;
	}
	return 1;
}

/* Programs bytes one behind the other, in whole units. */
typedef struct {
	const fescue_flash *flash;
	fescue_at at;
	uint8_t failed, count, bytes[32];
} writer;

static void flush(writer *w)
{
	if (!w->failed && w->count > 0)
		w->failed = !w->flash->program(w->at, w->bytes, w->count);
	w->at = (fescue_at)(w->at + w->count);
	w->count = 0;
}

static void put(writer *w, uint8_t b)
{
	w->bytes[w->count++] = b;
	if (w->count == sizeof w->bytes)
		flush(w);
}

static void put_bytes(writer *w, const void *p, uint16_t n)
{
	for (const uint8_t *b = p; n > 0; n--)
		put(w, *b++);
}

static void end_record(writer *w)
{
	while (w->count % w->flash->unit != 0)
		put(w, FREE);
	flush(w);
}

static record record_of(const fescue_state_key *k, const uint8_t *value, uint16_t length)
{
	record r = {k->name_length, (uint8_t)(k->key_length - 1), length, 0};
	r.check = check_head(&r);
	for (uint8_t i = 0; i < k->name_length; i++)
		r.check = add_check(r.check, k->name[i]);
	for (uint16_t i = 0; i < k->key_length; i++)
		r.check = add_check(r.check, k->key[i]);
	for (uint16_t i = 0; i < length; i++)
		r.check = add_check(r.check, value[i]);
	return r;
}

static void put_record(writer *w, const record *r, const fescue_state_key *k, const uint8_t *value)
{
	put_bytes(w, r, sizeof *r);
	put_bytes(w, k->name, k->name_length);
	put_bytes(w, k->key, k->key_length);
	put_bytes(w, value, r->length);
	end_record(w);
}

static writer writer_at(const fescue_state *s, uint8_t bank, fescue_at at)
{
	writer w = {.flash = s->flash, .at = (fescue_at)(s->flash->state_at + bank * s->flash->state_size + at)};
	return w;
}

static uint8_t erase(const fescue_state *s, uint8_t bank)
{
	fescue_at from = (fescue_at)(s->flash->state_at + bank * s->flash->state_size);
	for (fescue_at at = 0; at < s->flash->state_size; at = (fescue_at)(at + s->flash->page))
		if (!s->flash->erase((fescue_at)(from + at)))
			return 0;
	return 1;
}

/* Copies what counts to the other bank, but for a key, whose new record r comes last;
 * NULL: none does. */
static fescue_state_status compact(fescue_state *s, const fescue_state_key *k, const record *r, const uint8_t *value)
{
	uint8_t bank = s->number != 0 && !s->bank;
	record old;
	if (!erase(s, bank))
		return FESCUE_STATE_FAILED;
	writer w = writer_at(s, bank, sizeof(head));
	fescue_at end = sizeof(head);
	for (fescue_at at = sizeof(head); at < s->end && read(s, at, &old); at = (fescue_at)(at + size_of(s, &old))) {
		if (is_of(s, at, &old, k) || !counts(s, at, &old))
			continue;
		const uint8_t *p = place(s, at);
		for (fescue_at n = size_of(s, &old); n > 0; n--)
			put(&w, FESCUE_CODE_BYTE(p++));
		end = (fescue_at)(end + size_of(s, &old));
	}
	if (r != NULL) {
		if (size_of(s, r) > (fescue_at)(s->flash->state_size - end))
			return FESCUE_STATE_FULL;
		put_record(&w, r, k, value);
		end = (fescue_at)(end + size_of(s, r));
	}
	flush(&w);
	head h = {MAGIC, s->number + 1, ~(s->number + 1), 0xffffffff};
	writer first = writer_at(s, bank, 0);
	put_bytes(&first, &h, sizeof h);
	flush(&first);
	if (w.failed || first.failed)
		return FESCUE_STATE_FAILED;
	s->bank = bank;
	s->number++;
	s->end = end;
	s->closed = 0;
	return FESCUE_STATE_OK;
}

/* Bytes that a function has besides a key: a bound of them first, which costs less. */
static fescue_at used(const fescue_state *s, const fescue_state_key *k, uint8_t exactly)
{
	fescue_state_key all = *k;
	fescue_at sum = 0;
	record r;
	all.key = NULL;
	for (fescue_at at = sizeof(head); at < s->end && read(s, at, &r); at = (fescue_at)(at + size_of(s, &r)))
		if (is_of(s, at, &r, &all) && !is_of(s, at, &r, k) && (!exactly || counts(s, at, &r)))
			sum = (fescue_at)(sum + size_of(s, &r));
	return sum;
}

fescue_state_status fescue_state_set(fescue_state *s, const fescue_state_key *k, const uint8_t *value, uint32_t length)
{
	record old, r;
	fescue_at quota = (fescue_at)((s->flash->state_size - sizeof(head)) / FESCUE_FUNCTIONS);
	if (k->key == NULL)
		return find(s, k, &old) ? compact(s, k, NULL, NULL) : FESCUE_STATE_OK;
	if (length > quota)
		return FESCUE_STATE_FULL;
	/* What is so already wears no flash. */
	uint16_t there = 0;
	const uint8_t *p = fescue_state_find(s, k, &there);
	if (there == length && (p == NULL || fescue_flash_same(p, value, there)))
		return FESCUE_STATE_OK;
	r = record_of(k, value, (uint16_t)length);
	fescue_at size = size_of(s, &r);
	if (length > 0 && (size > quota || (used(s, k, 0) > (fescue_at)(quota - size) && used(s, k, 1) > (fescue_at)(quota - size))))
		return FESCUE_STATE_FULL;
	if (s->number == 0 || s->closed || size > (fescue_at)(s->flash->state_size - s->end))
		return compact(s, k, length > 0 ? &r : NULL, value);
	writer w = writer_at(s, s->bank, s->end);
	put_record(&w, &r, k, value);
	if (w.failed) {
		s->closed = 1;
		return FESCUE_STATE_FAILED;
	}
	s->end = (fescue_at)(s->end + size);
	return FESCUE_STATE_OK;
}

/* A character of more than one byte; the place behind it, or NULL. */
static const uint8_t *character(const uint8_t *p, const uint8_t *end)
{
	uint8_t more = (*p & 0xe0) == 0xc0 ? 1 : (*p & 0xf0) == 0xe0 ? 2 : (*p & 0xf8) == 0xf0 ? 3 : 0;
	uint32_t point = *p++ & (0x3f >> more);
	if (more == 0 || end - p < more)
		return NULL;
	uint32_t least = more == 1 ? 0xa0 /* what is between is control characters */ : more == 2 ? 0x800 : 0x10000;
	for (; more > 0; more--) {
		if ((*p & 0xc0) != 0x80)
			return NULL;
		point = point << 6 | (*p++ & 0x3f);
	}
	return point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000) ? NULL : p;
}

uint8_t fescue_state_is_key(const uint8_t *p, uint32_t n)
{
	uint8_t levels = 1;
	if (n == 0 || n > FESCUE_KEY_MOST || *p == '$')
		return 0;
	for (const uint8_t *end = p + n; p != NULL && p < end;) {
		uint8_t c = *p;
		levels = (uint8_t)(levels + (c == '/'));
		if (c < ' ' || c == 0x7f || c == '+' || c == '#' || levels > 32)
			return 0;
		p = c < 0x80 ? p + 1 : character(p, end);
	}
	return p != NULL;
}
#else
typedef int fescue_no_state; /* a file of C is not empty */
#endif
