/* Element and data segments: what a module's table and memory begin with, and
 * the instructions that copy, fill and grow them later. */
#include "vm_internal.h"

#if FESCUE_VM_BULK
/* One item of an element segment: a function's number plus one, or 0 for null. */
uint16_t vm_item(vm_reader *r, uint8_t mode)
{
	uint32_t f = 0;
	if (!(mode & SEGMENT_EXPRESSIONS)) {
		f = vm_u32(r) + 1;
	} else {
		uint8_t op = vm_byte(r);
		if (op == 0xd2)
			f = vm_u32(r) + 1;
		else if (op != 0xd0 || vm_byte(r) != T_FUNCREF)
			vm_fail(r, FESCUE_VM_INVALID);
		if (vm_byte(r) != 0x0b)
			vm_fail(r, FESCUE_VM_INVALID);
		if (op == 0xd0)
			return 0;
	}
	if (f == 0 || f > r->vm->function_count)
		vm_fail(r, FESCUE_VM_INVALID);
	return (uint16_t)f;
}

/* What stands before the items. flags are 0 to 7: bit 0 not active, bit 1 a table
 * is named (or, not active, only declared), bit 2 items are expressions. */
static void element_header(vm_reader *r, fescue_vm_segment *s)
{
	uint32_t flags = vm_u32(r);
	if (flags > 7) {
		vm_fail(r, FESCUE_VM_MALFORMED);
		return;
	}
	s->mode = (uint8_t)((flags & 1 ? (flags & 2 ? SEGMENT_DECLARED : SEGMENT_PASSIVE) : SEGMENT_ACTIVE) | (flags & 4));
	if (!(flags & 1)) {
		uint32_t table = flags & 2 ? vm_u32(r) : 0;
		s->offset = vm_constant(r, T_I32).i32;
		if (table != 0 || !r->vm->has_table)
			vm_fail(r, FESCUE_VM_INVALID);
	}
	if (flags & 3) {
		uint8_t kind = vm_byte(r);
		if (kind != (flags & 4 ? T_FUNCREF : 0))
			vm_fail(r, kind == 0x6f ? FESCUE_VM_UNSUPPORTED : FESCUE_VM_MALFORMED);
	}
}
#else
/* Only the form of version 1: active, of table 0, items are functions. */
uint16_t vm_item(vm_reader *r, uint8_t mode)
{
	uint32_t f = vm_u32(r);
	(void)mode;
	if (f >= r->vm->function_count)
		vm_fail(r, FESCUE_VM_INVALID);
	return (uint16_t)(f + 1);
}

static void element_header(vm_reader *r, fescue_vm_segment *s)
{
	if (vm_u32(r) != 0)
		vm_fail(r, FESCUE_VM_UNSUPPORTED);
	s->mode = SEGMENT_ACTIVE;
	s->offset = vm_constant(r, T_I32).i32;
	if (!r->vm->has_table)
		vm_fail(r, FESCUE_VM_INVALID);
}
#endif

void vm_read_elements(vm_reader *r)
{
	fescue_vm *vm = r->vm;
	fescue_off n = vm_count(r);
	vm->elements = vm_take(r, n, sizeof *vm->elements);
	for (fescue_off i = 0; i < n && r->status == FESCUE_VM_OK; i++) {
		fescue_vm_segment *s = &vm->elements[i];
		element_header(r, s);
		s->count = vm_count(r);
		s->at = r->at;
		for (fescue_off j = 0; j < s->count && r->status == FESCUE_VM_OK; j++)
			vm_item(r, s->mode);
	}
	vm->element_count = (uint16_t)n;
}

void vm_read_data(vm_reader *r)
{
	fescue_vm *vm = r->vm;
	fescue_off n = vm_count(r);
	vm->data = vm_take(r, n, sizeof *vm->data);
	for (fescue_off i = 0; i < n && r->status == FESCUE_VM_OK; i++) {
		fescue_vm_segment *s = &vm->data[i];
		uint32_t flags = vm_u32(r);
		if (flags > 2)
			vm_fail(r, FESCUE_VM_MALFORMED);
		s->mode = flags & 1 ? SEGMENT_PASSIVE : SEGMENT_ACTIVE;
		if (flags != 1) {
			uint32_t memory = flags == 2 ? vm_u32(r) : 0;
			if (memory != 0 || !vm->has_memory)
				vm_fail(r, FESCUE_VM_INVALID);
			s->offset = vm_constant(r, T_I32).i32;
		}
		s->count = vm_count(r);
		s->at = r->at;
		vm_skip(r, s->count);
	}
	vm->data_count = (uint16_t)n;
}

static int within(uint32_t size, uint32_t at, uint32_t n) { return n <= size && at <= size - n; }

static fescue_trap memory_init(fescue_vm *vm, uint16_t segment, uint32_t to, uint32_t from, uint32_t n)
{
	const fescue_vm_segment *s = &vm->data[segment];
	if (!within(s->count, from, n) || !fescue_vm_within(vm, to, n))
		return FESCUE_TRAP_MEMORY;
	const uint8_t *source = vm->code + s->at + from;
	for (uint32_t i = 0; i < n; i++)
		vm->memory[to + i] = FESCUE_CODE_BYTE(source + i);
	return FESCUE_TRAP_NONE;
}

static fescue_trap table_init(fescue_vm *vm, uint16_t segment, uint32_t to, uint32_t from, uint32_t n)
{
	const fescue_vm_segment *s = &vm->elements[segment];
	if (!within(s->count, from, n) || !within(vm->table_size, to, n))
		return FESCUE_TRAP_TABLE;
	vm_reader r = {vm, s->at, vm->size, FESCUE_VM_OK};
	for (; from > 0; from--)
		vm_item(&r, s->mode);
	for (; n > 0; n--)
		vm->table[to++] = vm_item(&r, s->mode);
	return FESCUE_TRAP_NONE;
}

static fescue_trap place_elements(fescue_vm *vm)
{
	for (uint16_t i = 0; i < vm->element_count; i++) {
		fescue_vm_segment *s = &vm->elements[i];
		if (s->mode & SEGMENT_PASSIVE)
			continue;
		fescue_trap trap = FESCUE_TRAP_NONE;
		if (!(s->mode & SEGMENT_DECLARED))
			trap = table_init(vm, i, s->offset, 0, s->count);
		if (trap != FESCUE_TRAP_NONE)
			return trap;
		s->count = 0;
	}
	return FESCUE_TRAP_NONE;
}

static fescue_trap place_data(fescue_vm *vm)
{
	for (uint16_t i = 0; i < vm->data_count; i++) {
		fescue_vm_segment *s = &vm->data[i];
		if (s->mode != SEGMENT_ACTIVE)
			continue;
		fescue_trap trap = memory_init(vm, i, s->offset, 0, s->count);
		if (trap != FESCUE_TRAP_NONE)
			return trap;
		s->count = 0;
	}
	return FESCUE_TRAP_NONE;
}

fescue_trap fescue_vm_start(fescue_vm *vm)
{
	fescue_trap trap = place_elements(vm);
	if (trap == FESCUE_TRAP_NONE)
		trap = place_data(vm);
	if (trap == FESCUE_TRAP_NONE && vm->has_start)
		trap = fescue_vm_call(vm, vm->start, NULL);
	return trap;
}

/* memory.grow: the old number of pages, or -1. Only what the host has given can
 * be mapped. */
uint32_t vm_grow(fescue_vm *vm, uint32_t more)
{
	uint32_t old = vm->pages, all = old + more;
	if (more == 0)
		return old;
	if (sizeof(size_t) == 2)
		return 0xffffffff; /* there is no room for a page */
	if (all < old || all > vm->pages_max || all > vm->memory_room / PAGE)
		return 0xffffffff;
	memset(vm->memory + vm->memory_size, 0, all * PAGE - vm->memory_size);
	vm->pages = all;
	vm->memory_size = all * PAGE;
	return old;
}

#if FESCUE_VM_BULK
/* One of the instructions 0xfc 8 to 14; a, b, c are its operands. Fuel pays for
 * the bytes that are moved. */
fescue_trap vm_bulk(fescue_vm *vm, uint32_t op, uint32_t segment, uint32_t a, uint32_t b, uint32_t n)
{
	if (op != 9 && op != 13) {
		if (n / 4 > vm->fuel && n <= vm->memory_size)
			return FESCUE_TRAP_FUEL;
		vm->fuel -= n / 4 > vm->fuel ? 0 : n / 4;
	}
	switch (op) {
	case 8:
		return memory_init(vm, (uint16_t)segment, a, b, n);
	case 9:
		vm->data[segment].count = 0;
		break;
	case 10:
		if (!fescue_vm_within(vm, a, n) || !fescue_vm_within(vm, b, n))
			return FESCUE_TRAP_MEMORY;
		memmove(vm->memory + a, vm->memory + b, n);
		break;
	case 11:
		if (!fescue_vm_within(vm, a, n))
			return FESCUE_TRAP_MEMORY;
		memset(vm->memory + a, (uint8_t)b, n);
		break;
	case 12:
		return table_init(vm, (uint16_t)segment, a, b, n);
	case 13:
		vm->elements[segment].count = 0;
		break;
	default:
		if (!within(vm->table_size, a, n) || !within(vm->table_size, b, n))
			return FESCUE_TRAP_TABLE;
		memmove(vm->table + a, vm->table + b, n * sizeof *vm->table);
	}
	return FESCUE_TRAP_NONE;
}
#endif
