/* Numbers, names and types as they stand in a module. */
#include "vm_internal.h"

void vm_fail(vm_reader *r, fescue_vm_status status)
{
	if (r->status == FESCUE_VM_OK) {
		r->status = (uint8_t)status;
		r->vm->error_at = r->at;
		r->end = r->at; /* nothing more is read */
	}
}

uint8_t vm_byte(vm_reader *r)
{
	if (r->at >= r->end) {
		vm_fail(r, FESCUE_VM_MALFORMED);
		return 0;
	}
	return FESCUE_CODE_BYTE(r->vm->code + r->at++);
}

void vm_skip(vm_reader *r, uint32_t n)
{
	if (n > (uint32_t)(r->end - r->at)) {
		vm_fail(r, FESCUE_VM_MALFORMED);
		return;
	}
	r->at = (fescue_off)(r->at + n);
}

uint32_t vm_u32(vm_reader *r)
{
	uint32_t value = 0;
	uint8_t b;
	for (uint8_t shift = 0; shift < 35; shift += 7) {
		b = vm_byte(r);
		if (shift == 28 && b > 0x0f)
			break;
		value |= (uint32_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return value;
	}
	vm_fail(r, FESCUE_VM_MALFORMED);
	return 0;
}

int32_t vm_s32(vm_reader *r)
{
	uint32_t value = 0;
	for (uint8_t shift = 0; shift < 35; shift = (uint8_t)(shift + 7)) {
		uint8_t b = vm_byte(r);
		if (shift == 28 && (uint8_t)((b + 8) & 0x7f) > 0x0f)
			break; /* the bits beyond the number's own must all be its sign */
		value |= (uint32_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			if (b & 0x40 && shift < 28)
				value |= ~(uint32_t)0 << (shift + 7);
			return (int32_t)value;
		}
	}
	vm_fail(r, FESCUE_VM_MALFORMED);
	return 0;
}

#if FESCUE_VM_INT64
uint64_t vm_s64(vm_reader *r)
{
	uint64_t value = 0;
	for (uint8_t shift = 0; shift < 70; shift += 7) {
		uint8_t b = vm_byte(r);
		if (shift == 63 && b != 0 && b != 0x7f)
			break;
		value |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			if (b & 0x40 && shift < 57)
				value |= ~(uint64_t)0 << (shift + 7);
			return value;
		}
	}
	vm_fail(r, FESCUE_VM_MALFORMED);
	return 0;
}
#endif

fescue_off vm_count(vm_reader *r)
{
	uint32_t n = vm_u32(r);
	if (n > (uint32_t)(r->end - r->at)) {
		vm_fail(r, FESCUE_VM_MALFORMED);
		return 0;
	}
	return (fescue_off)n;
}

#if FESCUE_VM_NAMES
/* The smallest code point that needs as many bytes: longer forms are not UTF-8. */
static const uint32_t utf8_least[] FESCUE_ROM = {0, 0x80, 0x800, 0x10000};

static void utf8_rest(vm_reader *r, uint8_t first)
{
	uint8_t more = (first & 0xe0) == 0xc0 ? 1 : (first & 0xf0) == 0xe0 ? 2 : (first & 0xf8) == 0xf0 ? 3 : 0;
	uint32_t point = first & (0x3f >> more);
	for (uint8_t i = 0; i < more; i++) {
		uint8_t b = vm_byte(r);
		if ((b & 0xc0) != 0x80)
			vm_fail(r, FESCUE_VM_MALFORMED);
		point = point << 6 | (b & 0x3f);
	}
	if (!more || point < FESCUE_ROM_WORD(&utf8_least[more]) || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		vm_fail(r, FESCUE_VM_MALFORMED);
}
#endif

void vm_name(vm_reader *r, const uint8_t **name, fescue_off *length)
{
	fescue_off n = vm_count(r);
	*name = r->vm->code + r->at;
	*length = n;
#if FESCUE_VM_NAMES
	fescue_off outer = r->end;
	r->end = (fescue_off)(r->at + n);
	while (r->at < r->end) {
		uint8_t b = vm_byte(r);
		if (b & 0x80)
			utf8_rest(r, b);
	}
	if (r->status == FESCUE_VM_OK)
		r->end = outer;
#else
	vm_skip(r, n);
#endif
}

static int has_type(uint8_t t)
{
	return t == T_I32 || (FESCUE_VM_INT64 && t == T_I64) || (FESCUE_VM_F32 && t == T_F32) || (FESCUE_VM_F64 && t == T_F64);
}

uint8_t vm_value_type(vm_reader *r)
{
	uint8_t t = vm_byte(r);
	if (!has_type(t)) {
		int later = (t >= T_F64 && t <= T_I64) || t == T_FUNCREF || t == 0x6f || t == 0x7b;
		vm_fail(r, later ? FESCUE_VM_UNSUPPORTED : FESCUE_VM_MALFORMED);
	}
	return t;
}

uint8_t vm_type_at(const fescue_vm *vm, fescue_off at) { return FESCUE_CODE_BYTE(vm->code + at); }

void *vm_take(vm_reader *r, size_t count, uint8_t size)
{
	fescue_vm *vm = r->vm;
	/* Nothing needs more than the largest power of two that divides its size, and
	 * so arrays that are taken piece by piece have no gaps. */
	uint8_t align = (uint8_t)(size & -size);
	if (align > sizeof(fescue_slot))
		align = sizeof(fescue_slot);
	uint8_t *at = vm->pool + (-(uintptr_t)vm->pool & (align - 1u));
	if (at > vm->pool_end || count > (size_t)(vm->pool_end - at) / size) {
		vm_fail(r, FESCUE_VM_NO_ROOM);
		return NULL;
	}
	vm->pool = at + (size_t)count * size;
	return at;
}
