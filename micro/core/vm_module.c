/* Reads a module's sections, in the order of the specification, into tables in
 * the pool; the code itself stays where it is. */
#include "vm_internal.h"

/* A vector of value types. Returns how many; at most 255 are taken. */
static uint8_t value_types(vm_reader *r)
{
	fescue_off n = vm_count(r);
	if (n > 255)
		vm_fail(r, FESCUE_VM_NO_ROOM);
	for (fescue_off i = 0; i < n && r->status == FESCUE_VM_OK; i++)
		vm_value_type(r);
	return (uint8_t)n;
}

static void read_types(vm_reader *r)
{
	fescue_vm *vm = r->vm;
	fescue_off n = vm_count(r);
	vm->types = vm_take(r, n, sizeof *vm->types);
	for (fescue_off i = 0; i < n && r->status == FESCUE_VM_OK; i++) {
		fescue_vm_type *t = &vm->types[i];
		if (vm_byte(r) != 0x60)
			vm_fail(r, FESCUE_VM_MALFORMED);
		t->param_count = value_types(r);
		t->params = (fescue_off)(r->at - t->param_count);
		t->result_count = value_types(r);
		t->results = (fescue_off)(r->at - t->result_count);
	}
	vm->type_count = (uint16_t)n;
}

/* n more functions, of the types that follow. */
static fescue_vm_function *more_functions(vm_reader *r, uint32_t n)
{
	fescue_vm *vm = r->vm;
	fescue_vm_function *f = vm_take(r, n, sizeof *f);
	if (f == NULL)
		return NULL;
	memset(f, 0, n * sizeof *f);
	if (vm->functions == NULL)
		vm->functions = f;
	return f;
}

static uint16_t type_index(vm_reader *r)
{
	uint32_t i = vm_u32(r);
	if (i >= r->vm->type_count)
		vm_fail(r, FESCUE_VM_INVALID);
	return (uint16_t)i;
}

static void read_import(vm_reader *r)
{
	fescue_vm *vm = r->vm;
	fescue_import import;
	vm_name(r, &import.module, &import.module_length);
	vm_name(r, &import.name, &import.name_length);
	uint8_t kind = vm_byte(r);
	if (kind != 0) {
		vm_fail(r, kind > 3 ? FESCUE_VM_MALFORMED : FESCUE_VM_UNSUPPORTED);
		return;
	}
	import.type = type_index(r);
	fescue_vm_function *f = more_functions(r, 1);
	if (r->status != FESCUE_VM_OK)
		return;
	int number = vm->host != NULL ? vm->host->resolve(vm, &import) : -1;
	if (number < 0)
		vm_fail(r, FESCUE_VM_NO_IMPORT);
	f->code = (fescue_off)number;
	f->type = import.type;
	vm->import_count++;
	vm->function_count++;
}

static void read_imports(vm_reader *r)
{
	for (fescue_off n = vm_count(r); n > 0 && r->status == FESCUE_VM_OK; n--)
		read_import(r);
}

static void read_functions(vm_reader *r)
{
	fescue_vm *vm = r->vm;
	fescue_off n = vm_count(r);
	if (n > 0xfffeu - vm->function_count)
		vm_fail(r, FESCUE_VM_NO_ROOM);
	fescue_vm_function *f = more_functions(r, n);
	for (fescue_off i = 0; i < n && r->status == FESCUE_VM_OK; i++)
		f[i].type = type_index(r);
	vm->function_count = (uint16_t)(vm->function_count + n);
}

/* Least and most of a table or memory. */
static void read_limits(vm_reader *r, uint32_t bound, uint32_t *least, uint32_t *most)
{
	uint8_t flags = vm_byte(r);
	if (flags > 1)
		vm_fail(r, FESCUE_VM_MALFORMED);
	*least = vm_u32(r);
	*most = flags ? vm_u32(r) : bound;
	if (*least > bound || *most > bound || *most < *least)
		vm_fail(r, FESCUE_VM_INVALID);
}

/* The number of tables or memories of the section: 0 or 1. More tables belong to
 * the reference types proposal, more memories to no version. */
static int one_at_most(vm_reader *r, fescue_vm_status otherwise)
{
	fescue_off n = vm_count(r);
	if (n > 1)
		vm_fail(r, otherwise);
	return n == 1;
}

static void read_table(vm_reader *r)
{
	fescue_vm *vm = r->vm;
	uint32_t least, most;
	if (!one_at_most(r, FESCUE_VM_UNSUPPORTED))
		return;
	uint8_t type = vm_byte(r);
	if (type != T_FUNCREF)
		vm_fail(r, type == 0x6f ? FESCUE_VM_UNSUPPORTED : FESCUE_VM_MALFORMED);
	read_limits(r, 0xffffffff, &least, &most);
	if (least > 0xffff)
		vm_fail(r, FESCUE_VM_NO_ROOM);
	if (r->status != FESCUE_VM_OK)
		return;
	vm->table = vm_take(r, least, sizeof *vm->table);
	if (vm->table == NULL)
		return;
	memset(vm->table, 0, least * sizeof *vm->table);
	vm->table_size = (uint16_t)least;
	vm->has_table = 1;
}

static void read_memory(vm_reader *r)
{
	fescue_vm *vm = r->vm;
	if (one_at_most(r, FESCUE_VM_INVALID)) {
		read_limits(r, PAGE, &vm->pages, &vm->pages_max);
		vm->has_memory = 1;
	}
}

fescue_slot vm_constant(vm_reader *r, uint8_t type)
{
	fescue_slot value;
	memset(&value, 0, sizeof value);
	uint8_t op = vm_byte(r), got = T_ANY;
	uint8_t bytes[8];
	if (op == 0x41) {
		got = T_I32;
		value.i32 = (uint32_t)vm_s32(r);
#if FESCUE_VM_INT64
	} else if (op == 0x42) {
		got = T_I64;
		value.i64 = vm_s64(r);
#endif
	} else if (op == 0x43 || op == 0x44) {
		uint8_t n = op == 0x43 ? 4 : 8;
		got = op == 0x43 ? T_F32 : T_F64;
		for (uint8_t i = 0; i < n; i++)
			bytes[i] = vm_byte(r);
		memcpy(&value, bytes, n < sizeof value ? n : sizeof value);
	} else if (op == 0x23) {
		/* Only an imported global may stand here, and there are none. */
		vm_u32(r);
	}
	if (vm_byte(r) != 0x0b || got != type)
		vm_fail(r, FESCUE_VM_INVALID);
	return value;
}

static void read_globals(vm_reader *r)
{
	fescue_vm *vm = r->vm;
	fescue_off n = vm_count(r);
	vm->globals = vm_take(r, n, sizeof *vm->globals);
	vm->global_types = vm_take(r, n, 1);
	for (fescue_off i = 0; i < n && r->status == FESCUE_VM_OK; i++) {
		uint8_t type = vm_value_type(r), mutable = vm_byte(r);
		if (mutable > 1)
			vm_fail(r, FESCUE_VM_MALFORMED);
		vm->globals[i] = vm_constant(r, type);
		vm->global_types[i] = (uint8_t)(mutable ? type | MUTABLE : type);
		vm->global_count++;
	}
}

#if FESCUE_VM_NAMES
/* Whether an earlier export has the name of the one that ends before at. */
static int exported_before(vm_reader *r, const uint8_t *name, fescue_off length, uint32_t count)
{
	vm_reader s = {r->vm, r->vm->exports, r->end, FESCUE_VM_OK}; /* all of it has been read once */
	const uint8_t *other;
	fescue_off n;
	for (; count > 0; count--) {
		vm_name(&s, &other, &n);
		vm_byte(&s);
		vm_u32(&s);
		fescue_off i = 0;
		while (n == length && i < n && FESCUE_CODE_BYTE(name + i) == FESCUE_CODE_BYTE(other + i))
			i++;
		if (n == length && i == n)
			return 1;
	}
	return 0;
}
#endif

static void read_exports(vm_reader *r)
{
	fescue_vm *vm = r->vm;
	fescue_off n = vm_count(r);
	vm->exports = r->at;
	for (fescue_off i = 0; i < n && r->status == FESCUE_VM_OK; i++) {
		const uint8_t *name;
		fescue_off length;
		vm_name(r, &name, &length);
		uint8_t kind = vm_byte(r);
		uint32_t index = vm_u32(r);
		uint32_t there = kind == 0 ? vm->function_count : kind == 1 ? vm->has_table : kind == 2 ? vm->has_memory : vm->global_count;
		if (kind > 3)
			vm_fail(r, FESCUE_VM_MALFORMED);
		else if (index >= there)
			vm_fail(r, FESCUE_VM_INVALID);
#if FESCUE_VM_NAMES
		else if (exported_before(r, name, length, i))
			vm_fail(r, FESCUE_VM_INVALID);
#endif
	}
	vm->export_count = (uint16_t)n;
}

static void read_start(vm_reader *r)
{
	fescue_vm *vm = r->vm;
	uint32_t f = vm_u32(r);
	if (f >= vm->function_count) {
		vm_fail(r, FESCUE_VM_INVALID);
		return;
	}
	const fescue_vm_type *t = &vm->types[vm->functions[f].type];
	if (t->param_count || t->result_count)
		vm_fail(r, FESCUE_VM_INVALID);
	vm->start = (uint16_t)f;
	vm->has_start = 1;
}

static void read_code(vm_reader *r)
{
	fescue_vm *vm = r->vm;
	fescue_off n = vm_count(r);
	if (n != (uint32_t)(vm->function_count - vm->import_count))
		vm_fail(r, FESCUE_VM_MALFORMED);
	/* Branches are added one by one; what is above them is room to check in. */
	vm->branches = vm_take(r, 0, sizeof *vm->branches);
	fescue_off end = r->end;
	for (uint16_t i = vm->import_count; i < vm->function_count && r->status == FESCUE_VM_OK; i++) {
		fescue_off size = vm_count(r);
		vm->functions[i].end = r->end = (fescue_off)(r->at + size);
		vm_check_function(r, &vm->functions[i]);
		if (r->status == FESCUE_VM_OK)
			r->end = end;
	}
	vm->code_read = 1;
}

static void read_data_count(vm_reader *r)
{
	uint32_t n = vm_u32(r);
	if (n > 0xffff)
		vm_fail(r, FESCUE_VM_NO_ROOM);
	r->vm->declared_data = (uint16_t)n;
	r->vm->has_data_count = 1;
}

static void read_section(vm_reader *r, uint8_t id)
{
	const uint8_t *name;
	fescue_off length;
	switch (id) {
	case 0:
		vm_name(r, &name, &length);
		r->at = r->end;
		break;
	case 1: read_types(r); break;
	case 2: read_imports(r); break;
	case 3: read_functions(r); break;
	case 4: read_table(r); break;
	case 5: read_memory(r); break;
	case 6: read_globals(r); break;
	case 7: read_exports(r); break;
	case 8: read_start(r); break;
	case 9: vm_read_elements(r); break;
	case 10: read_code(r); break;
	case 11: vm_read_data(r); break;
	case 12: read_data_count(r); break;
	default: vm_fail(r, FESCUE_VM_MALFORMED);
	}
	if (r->at != r->end)
		vm_fail(r, FESCUE_VM_MALFORMED);
}

static const uint8_t magic[] FESCUE_ROM = {0, 'a', 's', 'm', 1, 0, 0, 0};

static void read_module(vm_reader *r)
{
	fescue_vm *vm = r->vm;
	for (uint8_t i = 0; i < sizeof magic; i++)
		if (vm_byte(r) != FESCUE_ROM_BYTE(&magic[i]))
			vm_fail(r, FESCUE_VM_MALFORMED);
	uint8_t last = 0;
	while (r->at < r->end && r->status == FESCUE_VM_OK) {
		uint8_t id = vm_byte(r);
		/* The data count, 12, stands before the code, 10. */
		uint8_t rank = id == 12 ? 19 : (uint8_t)(id * 2);
		if (id != 0 && rank <= last)
			vm_fail(r, FESCUE_VM_MALFORMED);
		last = id != 0 ? rank : last;
		fescue_off size = vm_count(r);
		fescue_off end = r->end;
		r->end = (fescue_off)(r->at + size);
		read_section(r, id);
		if (r->status == FESCUE_VM_OK)
			r->end = end;
	}
	int bodies = vm->code_read || vm->function_count == vm->import_count;
	if (!bodies || (vm->has_data_count && vm->declared_data != vm->data_count))
		vm_fail(r, FESCUE_VM_MALFORMED);
}

/* What is left of the pool: the stack, then the linear memory. */
static void map_memory(vm_reader *r, const fescue_vm_options *o)
{
	fescue_vm *vm = r->vm;
	vm->stack = vm_take(r, o->stack / sizeof *vm->stack, sizeof *vm->stack);
	vm->stack_end = vm->stack + o->stack / sizeof *vm->stack;
	vm->memory = vm->pool;
	uint32_t room = (uint32_t)(vm->pool_end - vm->pool);
	if (o->memory != 0 && o->memory < room)
		room = o->memory;
	if (!vm->has_memory)
		room = 0;
	vm->memory_room = room;
	vm->memory_size = vm->pages <= room / PAGE ? vm->pages * PAGE : room;
	memset(vm->memory, 0, vm->memory_size);
}

fescue_vm_status fescue_vm_load(fescue_vm *vm, const uint8_t *module, size_t size, void *pool, size_t pool_size,
                                const fescue_vm_options *o)
{
	memset(vm, 0, sizeof *vm);
	vm->code = module;
	vm->size = (fescue_off)size;
	vm->host = o->host;
	vm->context = o->context;
	vm->pool = pool;
	vm->pool_end = vm->pool + pool_size;
	vm_reader r = {vm, 0, vm->size, FESCUE_VM_OK};
	if (vm->size != size)
		return FESCUE_VM_NO_ROOM;
	read_module(&r);
	if (r.status == FESCUE_VM_OK)
		map_memory(&r, o);
	vm->pool_used = (uint32_t)(vm->pool + vm->memory_size - (uint8_t *)pool);
	return (fescue_vm_status)r.status;
}

int fescue_vm_export(const fescue_vm *vm, const char *name, size_t length)
{
	vm_reader r = {(fescue_vm *)(uintptr_t)vm, vm->exports, vm->size, FESCUE_VM_OK};
	for (uint16_t i = 0; i < vm->export_count; i++) {
		const uint8_t *other;
		fescue_off n, same = 0;
		vm_name(&r, &other, &n);
		while (n == length && same < n && FESCUE_CODE_BYTE(other + same) == (uint8_t)name[same])
			same++;
		uint8_t kind = vm_byte(&r);
		uint32_t index = vm_u32(&r);
		if (kind == 0 && n == length && same == n)
			return (int)index;
	}
	return -1;
}

/* The letter of a value type: T_F64 is the smallest. */
static const char letters[] FESCUE_ROM = "FfIi";

int fescue_vm_type_is(const fescue_vm *vm, uint16_t type, const char *text)
{
	const fescue_vm_type *t = &vm->types[type];
	for (uint8_t i = 0; i < t->param_count; i++)
		if (FESCUE_ROM_BYTE(text++) != FESCUE_ROM_BYTE(&letters[vm_type_at(vm, (fescue_off)(t->params + i)) - T_F64]))
			return 0;
	if (FESCUE_ROM_BYTE(text++) != ':')
		return 0;
	for (uint8_t i = 0; i < t->result_count; i++)
		if (FESCUE_ROM_BYTE(text++) != FESCUE_ROM_BYTE(&letters[vm_type_at(vm, (fescue_off)(t->results + i)) - T_F64]))
			return 0;
	return FESCUE_ROM_BYTE(text) == 0;
}
