/* Module transfer: OFFER to HELD of the wire protocol, into slots. */
#include "agent_internal.h"
#include "fescue_ed25519.h"

enum { OFFER_FIELDS = 44, HELD_FIELDS = 16, HELD_STRINGS = 4 };

/* Reads an OFFER. The strings are moved together, behind one another, which is how
 * a slot holds them; NULL: the body is too short. */
static const uint8_t *read_offer(uint8_t *p, uint16_t n, fescue_slot_head *h)
{
	const uint8_t *end = p + n, *name, *version, *rest;
	uint16_t name_length, version_length;
	memset(h, 0, sizeof *h);
	rest = n < OFFER_FIELDS ? NULL : agent_string(p + OFFER_FIELDS, end, &name, &name_length);
	rest = agent_string(rest, end, &version, &version_length);
	if (rest == NULL || name_length > FESCUE_NAME_MOST || version_length > 255)
		return NULL;
	memcpy(&h->size, p, 4); /* little-endian, as all that the machine takes */
	memcpy(h->digest, p + 4, sizeof h->digest);
	memcpy(&h->fuel, p + 36, 8); /* and the memory */
	h->name_length = (uint8_t)name_length;
	h->version_length = (uint8_t)version_length;
	h->settings_length = (uint16_t)(end - rest);
	p += OFFER_FIELDS;
	memmove(p, name, name_length);
	memmove(p + name_length, version, version_length);
	memmove(p + name_length + version_length, rest, h->settings_length);
	return p;
}

/* The bytes of a chunk: what a frame takes, so that chunks fill pages evenly. */
static uint16_t chunk_size(const fescue_agent *a)
{
	uint16_t n = a->port->flash.page;
	while (n + 4 > a->port->frame_size)
		n = (uint16_t)(n / 2);
	return n;
}

void agent_offer(fescue_agent *a, uint32_t id, uint8_t *p, uint16_t n)
{
	fescue_slot_head h;
	const uint8_t *strings = read_offer(p, n, &h);
	if (strings == NULL) {
		agent_error(a, F_OFFER, id, FESCUE_UNSUPPORTED);
		return;
	}
	a->transfer_slot = fescue_slot_offer(&a->port->flash, &h, strings, &a->offset);
	if (a->transfer_slot == FESCUE_NO_SLOT) {
		agent_error(a, F_OFFER, id, FESCUE_NO_ROOM);
		return;
	}
	for (uint8_t i = 0; i < FESCUE_FUNCTIONS; i++)
		if (a->functions[i].slot == a->transfer_slot && a->offset < h.size)
			a->functions[i].slot = FESCUE_NO_SLOT; /* it ran from the only slot */
	a->transfer = id;
	a->size = (fescue_at)h.size;
	uint16_t chunk = chunk_size(a);
	if (!agent_begin_frame(a, F_ACCEPT, id, 8))
		return;
	agent_put32(a, a->offset);
	agent_put16(a, chunk);
	agent_put16(a, (uint16_t)(2 * chunk));
	agent_end_frame(a);
}

/* Writes the bytes that can be written: whole units, page by page. Returns 0 when
 * the memory failed. */
static uint8_t keep(fescue_agent *a, const uint8_t *p, uint16_t n)
{
	const fescue_flash *f = &a->port->flash;
	while (n > 0) {
		uint16_t room = (uint16_t)(f->page - a->offset % f->page), part = n < room ? n : room;
		uint8_t last = (fescue_at)(a->offset + part) == a->size;
		if (!last)
			part = (uint16_t)(part / f->unit * f->unit);
		if (part == 0)
			return 1; /* the gateway sends the rest again, together with more */
		if (!fescue_slot_write(f, a->transfer_slot, a->offset, p, part, last))
			return 0;
		a->offset = (fescue_at)(a->offset + part);
		p += part;
		n = (uint16_t)(n - part);
	}
	return 1;
}

void agent_chunk(fescue_agent *a, uint32_t id, const uint8_t *p, uint16_t n)
{
	uint8_t body[4] = {0};
	if (id != a->transfer || id == 0 || n < 4) {
		agent_error(a, F_CHUNK, id, FESCUE_NOT_FOUND);
		return;
	}
	n = (uint16_t)(n - 4);
	if (agent_get32(p) == a->offset && n <= a->size - a->offset && !keep(a, p + 4, n)) {
		a->transfer = 0;
		agent_error(a, F_CHUNK, id, FESCUE_STORAGE);
		return;
	}
	memcpy(body, &a->offset, sizeof a->offset);
	agent_send(a, F_PROGRESS, id, body, sizeof body);
}

/* Whether the bytes in flash have the digest that was offered. */
FESCUE_APART static uint8_t digest_matches(const fescue_agent *a, uint8_t slot, const fescue_slot_head *h)
{
	fescue_sha256 s;
	uint8_t digest[32];
	const uint8_t *p = fescue_slot_module(&a->port->flash, slot);
	fescue_sha256_begin(&s);
	for (fescue_at i = (fescue_at)h->size; i > 0; i--) {
		uint8_t b = FESCUE_CODE_BYTE(p++);
		fescue_sha256_add(&s, &b, 1);
	}
	fescue_sha256_end(&s, digest);
	return memcmp(digest, h->digest, sizeof digest) == 0;
}

#if FESCUE_SIGNATURES
/* Whether the signature is of the function's name, its version and the digest that was
 * offered, by the key that the board was given; without a key any is. */
static uint8_t signed_well(const fescue_agent *a, uint8_t slot, const fescue_slot_head *h, const uint8_t *signature, uint16_t n)
{
	static const char prefix[] = "fescue-module";
	const uint8_t *key = a->port->sign_key, *strings = fescue_slot_name(&a->port->flash, slot);
	uint8_t text[255 + 1]; /* the version is the longer one */
	fescue_sha512 s;
	if (key == NULL)
		return 1;
	if (n != 64)
		return 0;
	fescue_ed25519_begin(&s, key, signature);
	fescue_sha512_add(&s, (const uint8_t *)prefix, sizeof prefix);
	fescue_flash_read(text, strings, h->name_length);
	text[h->name_length] = 0;
	fescue_sha512_add(&s, text, (uint16_t)(h->name_length + 1));
	fescue_flash_read(text, strings + h->name_length, h->version_length);
	text[h->version_length] = 0;
	fescue_sha512_add(&s, text, (uint16_t)(h->version_length + 1));
	fescue_sha512_add(&s, h->digest, sizeof h->digest);
	return fescue_ed25519_end(&s, key, signature);
}
#else
static uint8_t signed_well(const fescue_agent *a, uint8_t slot, const fescue_slot_head *h, const uint8_t *signature, uint16_t n)
{
	(void)a, (void)slot, (void)h, (void)signature, (void)n;
	return 1;
}
#endif

/* Checks a module that has come and commits it: 0, or why not. number: the function
 * that it will be, which does not run meanwhile. */
static uint8_t commit(fescue_agent *a, uint8_t number, uint8_t slot, const fescue_slot_head *h)
{
	if (number == FESCUE_NO_FUNCTION)
		return FESCUE_NO_ROOM;
	if (!digest_matches(a, slot, h))
		return FESCUE_BAD_DIGEST;
	if (h->number != 0)
		return 0;
	fescue_vm_status status = agent_check(a, number, slot);
	if (status != FESCUE_VM_OK)
		return status == FESCUE_VM_NO_ROOM ? FESCUE_NO_ROOM : FESCUE_BAD_MODULE;
	return fescue_slot_commit(&a->port->flash, slot) ? 0 : FESCUE_STORAGE;
}

void agent_commit(fescue_agent *a, uint32_t id, const uint8_t *signature, uint16_t n)
{
	const fescue_flash *f = &a->port->flash;
	uint8_t slot = a->transfer_slot, name[FESCUE_NAME_MOST];
	fescue_slot_head h;
	if (id != a->transfer || id == 0 || a->offset != a->size || !fescue_slot_read(f, slot, &h)) {
		agent_error(a, F_COMMIT, id, FESCUE_NOT_FOUND);
		return;
	}
	a->transfer = 0;
	if (!signed_well(a, slot, &h, signature, n)) {
		agent_error(a, F_COMMIT, id, FESCUE_DENIED); /* what is in flash stays for the right one */
		return;
	}
	fescue_flash_read(name, fescue_slot_name(f, slot), h.name_length);
	uint8_t number = agent_find(a, name, h.name_length, 1), fault = commit(a, number, slot, &h);
	if (fault) {
		if (fault != FESCUE_STORAGE)
			fescue_slot_forget(f, slot);
		agent_error(a, F_COMMIT, id, fault);
		id = 0;
	} else {
		agent_send(a, F_COMMITTED, id, &slot, 1);
	}
	if (number != FESCUE_NO_FUNCTION) /* the new one, or again what ran before */
		agent_start(a, number, name, h.name_length, id);
}

void agent_remove(fescue_agent *a, uint32_t id, const uint8_t *p, uint16_t n)
{
	const fescue_flash *f = &a->port->flash;
	uint8_t found = 0, ok = F_REMOVE, number = agent_find(a, p, n, 0);
	fescue_slot_head h;
#if FESCUE_STATE
	/* First: when the power goes in between, the function is still there to be removed. */
	fescue_state_key all = {.name = p, .name_length = (uint8_t)n};
	if (f->state_size > 0 && n <= FESCUE_NAME_MOST && fescue_state_set(&a->state, &all, NULL, 0) != FESCUE_STATE_OK) {
		agent_error(a, F_REMOVE, id, FESCUE_STORAGE);
		return;
	}
#endif
	for (uint8_t i = 0; i < f->count; i++) {
		if (fescue_slot_read(f, i, &h) && fescue_slot_named(f, i, &h, p, n)) {
			fescue_slot_forget(f, i);
			found = 1;
		}
	}
	if (number != FESCUE_NO_FUNCTION)
		a->functions[number].slot = FESCUE_NO_SLOT;
	if (found)
		agent_send(a, F_OK, id, &ok, 1);
	else
		agent_error(a, F_REMOVE, id, FESCUE_NOT_FOUND);
}

static uint8_t state_of(const fescue_agent *a, uint8_t slot, const fescue_slot_head *h)
{
	if (h->failed)
		return 2;
	if (h->number == 0)
		return 3;
	for (uint8_t i = 0; i < FESCUE_FUNCTIONS; i++)
		if (a->functions[i].slot == slot)
			return 0;
	return 1;
}

void agent_list(fescue_agent *a, uint32_t id)
{
	const fescue_flash *f = &a->port->flash;
	fescue_slot_head h;
	uint8_t count = 0;
	uint16_t length = 1;
	for (uint8_t i = 0; i < f->count; i++) {
		if (fescue_slot_read(f, i, &h)) {
			count++;
			length = (uint16_t)(length + HELD_FIELDS + HELD_STRINGS + h.name_length + h.version_length);
		}
	}
	if (!agent_begin_frame(a, F_HELD, id, length)) {
		agent_error(a, F_LIST, id, FESCUE_TOO_LARGE);
		return;
	}
	agent_put(a, &count, 1);
	for (uint8_t i = 0; i < f->count; i++) {
		if (!fescue_slot_read(f, i, &h))
			continue;
		uint8_t fields[4] = {state_of(a, i, &h), i};
		const uint8_t *name = fescue_slot_name(f, i);
		agent_put(a, fields, sizeof fields);
		agent_put32(a, h.size);
		agent_put(a, h.digest, 8);
		agent_put16(a, h.name_length);
		agent_put_flash(a, name, h.name_length);
		agent_put16(a, h.version_length);
		agent_put_flash(a, name + h.name_length, h.version_length);
	}
	agent_end_frame(a);
}
