/* The functions: started from their slots, invoked, and taken back when a new
 * version fails. */
#include "agent_internal.h"

static const char handler_key[] FESCUE_ROM = "handler=", handle_name[] FESCUE_ROM = "handle", initialize[] FESCUE_ROM = "_initialize";

/* The number of an exported function whose name is a constant, or -1. */
static int find_export(const fescue_vm *vm, const char *rom)
{
	char name[12];
	uint8_t n = 0;
	for (char c; (c = (char)FESCUE_ROM_BYTE(rom)) != 0; rom++)
		name[n++] = c;
	return fescue_vm_export(vm, name, n);
}

/* The handler: the export that the settings name, or "handle". */
static int find_handler(const fescue_agent *a, const fescue_vm *vm, uint8_t slot)
{
	char name[FESCUE_NAME_MOST];
	agent_settings s;
	uint8_t n;
	if (!agent_settings_of(a, slot, &s))
		return -1;
	const uint8_t *value = agent_setting(&s, handler_key, &n);
	if (value == NULL)
		return find_export(vm, handle_name);
	if (n > sizeof name)
		return -1;
	fescue_flash_read(name, value, n);
	return fescue_vm_export(vm, name, n);
}

static fescue_vm_status load(fescue_agent *a, uint8_t number, uint8_t slot, const fescue_slot_head *h)
{
	const fescue_port *p = a->port;
	uint32_t share = p->pool_size / FESCUE_FUNCTIONS & ~(uint32_t)7;
	fescue_vm_options o = {.host = agent_host(), .stack = p->stack, .memory = h->memory, .context = a};
	return fescue_vm_load(&a->functions[number].vm, fescue_slot_module(&p->flash, slot), h->size, p->pool + number * share, share, &o);
}

/* Runs a module's start function and initializer; 0: it trapped, or has no handler
 * that can be called. */
static uint8_t start(fescue_agent *a, uint8_t number, uint8_t slot, const fescue_slot_head *h)
{
	fescue_function *f = &a->functions[number];
	int handler = find_handler(a, &f->vm, slot), init = find_export(&f->vm, initialize);
	static const char nothing[] FESCUE_ROM = ":", status[] FESCUE_ROM = ":i";
	f->fuel = h->fuel < 0xffffffff / 1000 ? h->fuel * 1000 : 0xffffffff;
	f->vm.fuel = f->fuel;
	f->slot = slot;
	a->running = number;
	if (handler < 0 || handler > 254)
		return 0;
	uint16_t type = f->vm.functions[handler].type;
	if (!fescue_vm_type_is(&f->vm, type, nothing) && !fescue_vm_type_is(&f->vm, type, status))
		return 0;
	if (fescue_vm_start(&f->vm) != FESCUE_TRAP_NONE)
		return 0;
	if (init >= 0 && (!fescue_vm_type_is(&f->vm, f->vm.functions[init].type, nothing) ||
	                  fescue_vm_call(&f->vm, (unsigned)init, NULL) != FESCUE_TRAP_NONE))
		return 0;
	f->proven = h->proven;
	f->handler = (uint8_t)(handler + 1);
	return 1;
}

static uint8_t failed(fescue_agent *a, uint8_t slot, uint32_t transfer)
{
	uint8_t body[2] = {FESCUE_BAD_MODULE};
	if (transfer)
		agent_send(a, F_ABORT, transfer, body, sizeof body);
	return fescue_slot_mark_failed(&a->port->flash, slot);
}

uint8_t agent_find(const fescue_agent *a, const uint8_t *name, uint16_t n, uint8_t free)
{
	fescue_slot_head h;
	uint8_t found = FESCUE_NO_FUNCTION;
	for (uint8_t i = 0; i < FESCUE_FUNCTIONS; i++) {
		uint8_t slot = a->functions[i].slot;
		if (slot == FESCUE_NO_SLOT)
			found = free ? i : found;
		else if (fescue_slot_read(&a->port->flash, slot, &h) && fescue_slot_named(&a->port->flash, slot, &h, name, n))
			return i;
	}
	return found;
}

/* Starts the newest version of a function that can be started; the others keep
 * running. A module that cannot be, or with which the device went down before it
 * ever answered, is marked failed, and the version before comes back. */
void agent_start(fescue_agent *a, uint8_t number, const uint8_t *name, uint8_t n, uint32_t transfer)
{
	const fescue_flash *f = &a->port->flash;
	fescue_function *function = &a->functions[number];
	fescue_slot_head h;
	for (;;) {
		uint8_t slot = fescue_slot_of(f, name, n);
		function->slot = FESCUE_NO_SLOT;
		function->transfer = transfer;
#if FESCUE_NUMBERS
		function->registered = 0;
#endif
		if (slot == FESCUE_NO_SLOT || !fescue_slot_read(f, slot, &h))
			return;
		if ((h.proven || h.tries < FESCUE_TRIES) && load(a, number, slot, &h) == FESCUE_VM_OK && start(a, number, slot, &h))
			return;
		function->slot = FESCUE_NO_SLOT;
		if (!failed(a, slot, transfer))
			return; /* the memory fails: no use to try it again */
	}
}

void agent_start_all(fescue_agent *a)
{
	const fescue_flash *f = &a->port->flash;
	fescue_slot_head h;
	uint8_t name[FESCUE_NAME_MOST], number = 0;
	for (uint8_t i = 0; i < FESCUE_FUNCTIONS; i++)
		a->functions[i].slot = FESCUE_NO_SLOT;
	for (uint8_t slot = 0; slot < f->count && number < FESCUE_FUNCTIONS; slot++) {
		if (!fescue_slot_read(f, slot, &h))
			continue;
		fescue_flash_read(name, fescue_slot_name(f, slot), h.name_length);
		if (agent_find(a, name, h.name_length, 0) == FESCUE_NO_FUNCTION)
			agent_start(a, number, name, h.name_length, 0);
		number = (uint8_t)(number + (a->functions[number].slot != FESCUE_NO_SLOT));
	}
}

/* Checks a module in the place of a function, which does not run any more then. */
fescue_vm_status agent_check(fescue_agent *a, uint8_t number, uint8_t slot)
{
	fescue_slot_head h;
	a->functions[number].slot = FESCUE_NO_SLOT;
	fescue_slot_read(&a->port->flash, slot, &h);
	fescue_vm_status status = load(a, number, slot, &h);
	if (status == FESCUE_VM_OK && find_handler(a, &a->functions[number].vm, slot) < 0)
		return FESCUE_VM_INVALID;
	return status;
}

/* --- invocation ------------------------------------------------------------ */

static const char trap_type[] FESCUE_ROM = "trap", unknown_type[] FESCUE_ROM = "unknown-function", error_type[] FESCUE_ROM = "error",
                  status_type[] FESCUE_ROM = "status";

static uint16_t rom_length(const char *rom)
{
	uint16_t n = 0;
	while (FESCUE_ROM_BYTE(rom + n) != 0)
		n++;
	return n;
}

/* FAILURE: of a type, with a message of bytes. */
static void failure(fescue_agent *a, uint32_t id, const char *type, const uint8_t *message, uint16_t n)
{
	uint16_t length = rom_length(type);
	if (!agent_begin_frame(a, F_FAILURE, id, 4u + length + n))
		return;
	agent_put16(a, length);
	agent_put_text(a, type);
	agent_put16(a, n);
	agent_put(a, message, n);
	agent_end_frame(a);
}

/* The message of a trap: its kind, the function and the place, as numbers; the
 * gateway has the words. */
static void trap_failure(fescue_agent *a, uint32_t id, const fescue_vm *vm, fescue_trap trap)
{
	uint8_t text[32], n;
	n = agent_digits((uint32_t)trap, text);
	text[n++] = ' ';
	n = (uint8_t)(n + agent_digits(vm->trap_function, text + n));
	text[n++] = ' ';
	n = (uint8_t)(n + agent_digits(vm->trap_at, text + n));
	failure(a, id, trap_type, text, n);
}

/* Reads the attributes: the function's name, and the topic. Returns the payload's
 * begin, or NULL. */
static const uint8_t *attributes(fescue_agent *a, const uint8_t *p, const uint8_t *end, const uint8_t **function, uint16_t *function_length)
{
	const uint8_t *name, *value;
	uint16_t name_length, value_length;
	static const char subject[] FESCUE_ROM = "subject";
	a->topic = NULL;
	a->topic_length = 0;
	if (end - p < 5)
		return NULL;
	uint8_t count = p[4];
	p += 5;
	for (uint8_t i = 0; i < count; i++) {
		p = agent_string(p, end, &name, &name_length);
		p = agent_string(p, end, &value, &value_length);
		if (p == NULL)
			return NULL;
		if (i == 0) {
			*function = value;
			*function_length = value_length;
		}
		uint8_t same = 0;
		while (same < name_length && same < sizeof subject - 1 && name[same] == FESCUE_ROM_BYTE(&subject[same]))
			same++;
		if (same == sizeof subject - 1 && name_length == same) {
			a->topic = value;
			a->topic_length = value_length;
		}
	}
	return count > 0 ? p : NULL;
}

static void answer(fescue_agent *a, uint32_t id, const fescue_vm *vm, fescue_trap trap, uint32_t status)
{
	uint8_t text[10];
	if (trap != FESCUE_TRAP_NONE) {
		trap_failure(a, id, vm, trap);
	} else if (a->failed) {
		failure(a, id, error_type, a->fail, a->fail_length);
	} else if (status != 0) {
		failure(a, id, status_type, text, agent_digits(status, text));
	} else if (agent_begin_frame(a, F_RESULT, id, a->reply_length)) {
		agent_put(a, a->reply, a->reply_length);
		agent_end_frame(a);
	} else if (a->link.up) {
		failure(a, id, error_type, NULL, 0);
	}
}

/* A trap leaves a module's memory in any state: it is loaded anew. If it was the
 * first call of a new version, the older one comes back. */
static void after_call(fescue_agent *a, fescue_function *f, fescue_trap trap)
{
	uint8_t slot = f->slot;
	if (trap == FESCUE_TRAP_NONE) {
		if (!f->proven)
			fescue_slot_mark_proven(&a->port->flash, slot);
		f->proven = 1;
		return;
	}
	fescue_slot_head h;
	uint8_t name[FESCUE_NAME_MOST];
	if (!f->proven)
		failed(a, slot, f->transfer);
	fescue_slot_read(&a->port->flash, slot, &h);
	fescue_flash_read(name, fescue_slot_name(&a->port->flash, slot), h.name_length);
	agent_start(a, a->running, name, h.name_length, 0);
}

static void mark_try(fescue_agent *a, const fescue_function *f)
{
	fescue_slot_head h;
	if (!f->proven && fescue_slot_read(&a->port->flash, f->slot, &h) && h.tries < FESCUE_TRIES)
		fescue_slot_mark_try(&a->port->flash, f->slot, h.tries);
}

void agent_invoke(fescue_agent *a, uint32_t id, const uint8_t *p, uint16_t n)
{
	const uint8_t *end = p + n, *name = NULL;
	uint16_t name_length = 0;
	fescue_slot result;
	memset(&result, 0, sizeof result);
	p = attributes(a, p, end, &name, &name_length);
	uint8_t number = p ? agent_find(a, name, name_length, 0) : FESCUE_NO_FUNCTION;
	if (number == FESCUE_NO_FUNCTION) {
		failure(a, id, unknown_type, name, name_length);
		return;
	}
	fescue_function *f = &a->functions[number];
	a->running = number;
	a->event = p;
	a->event_length = (uint16_t)(end - p);
	a->reply_length = a->failed = 0;
	f->vm.fuel = f->fuel;
	mark_try(a, f);
	a->in_event = 1;
	fescue_trap trap = fescue_vm_call(&f->vm, f->handler - 1u, &result);
	a->in_event = 0;
	answer(a, id, &f->vm, trap, result.i32);
	after_call(a, f, trap);
}
