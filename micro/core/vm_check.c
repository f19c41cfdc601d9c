/* Checks the code of a function as the specification's appendix does: the types
 * of the operands before and after every instruction. On the way it prepares
 * the branches. */
#include "vm_check.h"

static void check_br(vm_checker *c, int conditional)
{
	if (conditional)
		vm_pop(c, T_I32);
	vm_block *b = vm_label(c);
	int results = b->opcode != OP_LOOP;
	vm_branch_to(c, b);
	vm_pop_values(c, b, results);
	if (conditional)
		vm_push_values(c, b, results);
	else
		vm_unreachable(c);
}

static void check_br_table(vm_checker *c)
{
	vm_pop(c, T_I32);
	fescue_off n = vm_count(c->r);
	uint8_t count = 0;
	for (fescue_off i = 0; i <= n && c->r->status == FESCUE_VM_OK; i++) {
		vm_block *b = vm_label(c);
		int results = b->opcode != OP_LOOP;
		uint8_t values = vm_arity(c, b, results);
		if (i == 0)
			count = values;
		if (values != count)
			vm_invalid(c);
		vm_branch_to(c, b);
		/* Every label must fit the operands as they are: look at them in place. */
		uint16_t have = (uint16_t)(c->height - c->top->height);
		if (values > have && !c->top->unreachable)
			vm_invalid(c);
		for (uint8_t k = 0; k < values && k < have && c->r->status == FESCUE_VM_OK; k++) {
			uint8_t want = vm_block_value(c, b, results, (uint8_t)(values - 1 - k));
			if (c->sp[k] != T_ANY && c->sp[k] != want)
				vm_invalid(c);
		}
	}
	vm_unreachable(c);
}

static void check_call(vm_checker *c, uint16_t type)
{
	vm_block b = {.type = type};
	vm_pop_values(c, &b, 0);
	vm_push_values(c, &b, 1);
}

static void check_call_indirect(vm_checker *c)
{
	uint32_t type = vm_u32(c->r), table = vm_u32(c->r);
	if (type >= c->vm->type_count || table != 0 || !c->vm->has_table) {
		vm_invalid(c);
		return;
	}
	vm_pop(c, T_I32);
	check_call(c, (uint16_t)type);
}

static void check_select(vm_checker *c, int typed)
{
	uint8_t type = T_ANY;
	if (typed) {
		if (vm_u32(c->r) != 1)
			vm_invalid(c);
		type = vm_value_type(c->r);
	}
	vm_pop(c, T_I32);
	type = vm_pop(c, type);
	vm_push(c, vm_pop(c, type));
}

static uint8_t local_type(vm_checker *c, uint32_t i)
{
	if (i >= c->locals) {
		vm_invalid(c);
		return T_I32;
	}
	if (i < c->signature->param_count)
		return vm_type_at(c->vm, (fescue_off)(c->signature->params + i));
	i -= c->signature->param_count;
	vm_reader r = {c->vm, c->locals_at, c->vm->size, FESCUE_VM_OK};
	for (vm_u32(&r);;) {
		uint32_t n = vm_u32(&r);
		uint8_t type = vm_byte(&r);
		if (i < n)
			return type;
		i -= n;
	}
}

static void check_variable(vm_checker *c, uint8_t op)
{
	uint32_t i = vm_u32(c->r);
	if (op >= 0x23) {
		uint8_t type = i < c->vm->global_count ? c->vm->global_types[i] : 0;
		if (type == 0 || (op == 0x24 && !(type & MUTABLE)))
			vm_invalid(c);
		else if (op == 0x23)
			vm_push(c, type & 0x7f);
		else
			vm_pop(c, type & 0x7f);
		return;
	}
	uint8_t type = local_type(c, i);
	if (op != 0x20)
		vm_pop(c, type);
	if (op != 0x21)
		vm_push(c, type);
}

static void need_memory(vm_checker *c)
{
	if (!c->vm->has_memory)
		vm_invalid(c);
}

#define M(type, size) ((type - T_F64) << 4 | size)
const uint8_t vm_accesses[] FESCUE_ROM = {
	M(T_I32, 2), M(T_I64, 3), M(T_F32, 2), M(T_F64, 3),
	M(T_I32, 0) | VM_SIGNED, M(T_I32, 0), M(T_I32, 1) | VM_SIGNED, M(T_I32, 1),
	M(T_I64, 0) | VM_SIGNED, M(T_I64, 0), M(T_I64, 1) | VM_SIGNED, M(T_I64, 1), M(T_I64, 2) | VM_SIGNED, M(T_I64, 2),
	M(T_I32, 2), M(T_I64, 3), M(T_F32, 2), M(T_F64, 3), M(T_I32, 0), M(T_I32, 1), M(T_I64, 0), M(T_I64, 1), M(T_I64, 2)};
#undef M

static void has_type(vm_checker *c, uint8_t type)
{
	if ((type == T_I64 && !FESCUE_VM_INT64) || (type == T_F32 && !FESCUE_VM_F32) || (type == T_F64 && !FESCUE_VM_F64))
		vm_fail(c->r, FESCUE_VM_UNSUPPORTED);
}

static void check_access(vm_checker *c, uint8_t op)
{
	uint8_t access = FESCUE_ROM_BYTE(&vm_accesses[op - 0x28]), type = (uint8_t)(T_F64 + (access >> 4));
	if (vm_u32(c->r) > (access & 3))
		vm_invalid(c);
	vm_u32(c->r);
	need_memory(c);
	has_type(c, type);
	if (op >= 0x36)
		vm_pop(c, type);
	vm_pop(c, T_I32);
	if (op < 0x36)
		vm_push(c, type);
}

static void check_constant(vm_checker *c, uint8_t op)
{
	uint8_t type = (uint8_t)(T_I32 - (op - 0x41));
	has_type(c, type);
	if (op == 0x41)
		vm_s32(c->r);
#if FESCUE_VM_INT64
	else if (op == 0x42)
		vm_s64(c->r);
#endif
	else
		vm_skip(c->r, op == 0x43 ? 4 : 8);
	vm_push(c, type);
}

/* The numeric instructions from 0x45 on, in runs: the last of a run, then what it
 * takes and gives: arguments << 4 | type of them << 2 | type of the result. */
#define N(args, from, to) (uint8_t)(args << 4 | (from - T_F64) << 2 | (to - T_F64))
static const uint8_t numeric[] FESCUE_ROM = {
	0x45, N(1, T_I32, T_I32), 0x4f, N(2, T_I32, T_I32), 0x50, N(1, T_I64, T_I32), 0x5a, N(2, T_I64, T_I32),
	0x60, N(2, T_F32, T_I32), 0x66, N(2, T_F64, T_I32), 0x69, N(1, T_I32, T_I32), 0x78, N(2, T_I32, T_I32),
	0x7b, N(1, T_I64, T_I64), 0x8a, N(2, T_I64, T_I64), 0x91, N(1, T_F32, T_F32), 0x98, N(2, T_F32, T_F32),
	0x9f, N(1, T_F64, T_F64), 0xa6, N(2, T_F64, T_F64), 0xa7, N(1, T_I64, T_I32), 0xa9, N(1, T_F32, T_I32),
	0xab, N(1, T_F64, T_I32), 0xad, N(1, T_I32, T_I64), 0xaf, N(1, T_F32, T_I64), 0xb1, N(1, T_F64, T_I64),
	0xb3, N(1, T_I32, T_F32), 0xb5, N(1, T_I64, T_F32), 0xb6, N(1, T_F64, T_F32), 0xb8, N(1, T_I32, T_F64),
	0xba, N(1, T_I64, T_F64), 0xbb, N(1, T_F32, T_F64), 0xbc, N(1, T_F32, T_I32), 0xbd, N(1, T_F64, T_I64),
	0xbe, N(1, T_I32, T_F32), 0xbf, N(1, T_I64, T_F64), 0xc1, N(1, T_I32, T_I32), 0xc4, N(1, T_I64, T_I64)};
#undef N

static void apply(vm_checker *c, uint8_t shape)
{
	uint8_t from = (uint8_t)(T_F64 + (shape >> 2 & 3)), to = (uint8_t)(T_F64 + (shape & 3));
	has_type(c, from);
	has_type(c, to);
	for (uint8_t n = shape >> 4; n > 0; n--)
		vm_pop(c, from);
	vm_push(c, to);
}

static void check_numeric(vm_checker *c, uint8_t op)
{
	for (uint8_t i = 0; i < sizeof numeric; i += 2) {
		if (op <= FESCUE_ROM_BYTE(&numeric[i])) {
			apply(c, FESCUE_ROM_BYTE(&numeric[i + 1]));
			return;
		}
	}
	int later = op == 0xd0 || op == 0xd1 || op == 0xd2 || op == 0xfd || op == 0xfe;
	vm_fail(c->r, later ? FESCUE_VM_UNSUPPORTED : FESCUE_VM_MALFORMED);
}

#if FESCUE_VM_BULK
static void check_segment(vm_checker *c, uint32_t i, int data)
{
	if (data && !c->vm->has_data_count)
		vm_fail(c->r, FESCUE_VM_MALFORMED);
	if (i >= (data ? c->vm->declared_data : c->vm->element_count))
		vm_invalid(c);
}

static void check_bulk(vm_checker *c, uint8_t op)
{
	uint32_t first = vm_u32(c->r);
	int table = op >= 12;
	if (op == 8 || op == 9)
		check_segment(c, first, 1);
	if (op == 12 || op == 13)
		check_segment(c, first, 0);
	if (op == 9 || op == 13)
		return;
	uint32_t second = op == 11 ? 0 : vm_u32(c->r);
	if (table && (second != 0 || (op == 14 && first != 0) || !c->vm->has_table))
		vm_invalid(c);
	if (!table && (second != 0 || (op > 9 && first != 0) || !c->vm->has_memory))
		vm_invalid(c);
	for (uint8_t n = 0; n < 3; n++)
		vm_pop(c, T_I32);
}
#endif

/* The instructions behind the prefix 0xfc. */
static void check_prefixed(vm_checker *c)
{
	uint32_t op = vm_u32(c->r);
	if (op <= 7 && FESCUE_VM_F32) {
		/* From f32, f64 to i32 (0 to 3) and to i64, signed and unsigned each. */
		apply(c, (uint8_t)(1 << 4 | (op & 2 ? 0 : T_F32 - T_F64) << 2 | (op & 4 ? T_I64 - T_F64 : T_I32 - T_F64)));
		return;
	}
#if FESCUE_VM_BULK
	if (op >= 8 && op <= 14) {
		check_bulk(c, (uint8_t)op);
		return;
	}
#endif
	vm_fail(c->r, op <= 17 ? FESCUE_VM_UNSUPPORTED : FESCUE_VM_MALFORMED);
}

static void check_control(vm_checker *c, uint8_t op)
{
	switch (op) {
	case 0x00: vm_unreachable(c); break;
	case 0x01: break;
	case OP_BLOCK: case OP_LOOP: case OP_IF: vm_check_block(c, op); break;
	case OP_ELSE: vm_check_else(c); break;
	case 0x0b: vm_check_end(c); break;
	case 0x0c: check_br(c, 0); break;
	case 0x0d: check_br(c, 1); break;
	case 0x0e: check_br_table(c); break;
	case 0x0f: {
		vm_block b = {.type = c->function_type};
		vm_pop_values(c, &b, 1);
		vm_unreachable(c);
		break;
	}
	case 0x10: {
		uint32_t f = vm_u32(c->r);
		if (f >= c->vm->function_count)
			vm_invalid(c);
		else
			check_call(c, c->vm->functions[f].type);
		break;
	}
	case 0x11: check_call_indirect(c); break;
	case 0x1a: vm_pop(c, T_ANY); break;
	case 0x1b: case 0x1c: check_select(c, op & 4); break;
	default: vm_fail(c->r, op == 0x25 || op == 0x26 ? FESCUE_VM_UNSUPPORTED : FESCUE_VM_MALFORMED);
	}
}

static void check_instruction(vm_checker *c)
{
	uint8_t op = vm_byte(c->r);
	if (c->r->status != FESCUE_VM_OK)
		return;
	if (op >= 0x20 && op <= 0x24) {
		check_variable(c, op);
	} else if (op < 0x28) {
		check_control(c, op);
	} else if (op <= 0x3e) {
		check_access(c, op);
	} else if (op <= 0x40) {
		if (vm_byte(c->r) != 0)
			vm_fail(c->r, FESCUE_VM_MALFORMED);
		need_memory(c);
		if (op == 0x40)
			vm_pop(c, T_I32);
		vm_push(c, T_I32);
	} else if (op <= 0x44) {
		check_constant(c, op);
	} else if (op == 0xfc) {
		check_prefixed(c);
	} else {
		check_numeric(c, op);
	}
}

static uint16_t count_locals(vm_reader *r)
{
	uint32_t sum = 0;
	for (fescue_off runs = vm_count(r); runs > 0 && r->status == FESCUE_VM_OK; runs--) {
		uint32_t n = vm_u32(r);
		if (n > 0xffffffff - sum)
			vm_fail(r, FESCUE_VM_MALFORMED);
		sum += n;
		vm_value_type(r);
	}
	if (sum > 0x3fff)
		vm_fail(r, FESCUE_VM_NO_ROOM);
	return (uint16_t)sum;
}

void vm_check_function(vm_reader *r, fescue_vm_function *f)
{
	fescue_vm *vm = r->vm;
	vm_checker c = {.r = r, .vm = vm, .signature = &vm->types[f->type], .sp = vm->pool_end, .locals_at = r->at, .function_type = f->type};
	f->locals = count_locals(r);
	f->code = r->at;
	f->side = vm->branch_count;
	c.locals = (uint16_t)(f->locals + c.signature->param_count);
	vm_open_block(&c, OP_FUNCTION, f->type);
	while (c.top != NULL && r->status == FESCUE_VM_OK)
		check_instruction(&c);
	if (r->at != r->end)
		vm_fail(r, FESCUE_VM_MALFORMED);
	f->slots = (uint16_t)(c.locals + c.most);
	if (r->status == FESCUE_VM_OK)
		vm->pool = (uint8_t *)(vm->branches + vm->branch_count);
}
