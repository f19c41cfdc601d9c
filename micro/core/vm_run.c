/* Runs code that vm_check.c has found good: nothing is checked here that was
 * checked there. What is left are the faults that only values show.
 *
 * Operands and locals are slots of one stack, which grows up; the frames of
 * calls grow down from its end. There is one C function for all of it, so that
 * the machine's registers stay in the processor's; a call of a WebAssembly
 * function takes no C stack.
 *
 * Fuel is counted in bytes of code, where loops turn and functions are entered:
 * never less than the instructions that run, and free of cost between. */
#include "vm_ops.h"
#include "vm_list.h"

typedef struct {
	const uint8_t *pc;
	const fescue_vm_branch *side;
	fescue_slot *fp;
	const fescue_vm_function *function;
} frame;

FESCUE_APART static int same_types(const fescue_vm *vm, uint16_t a, uint16_t b)
{
	const fescue_vm_type *x = &vm->types[a], *y = &vm->types[b];
	if (a == b)
		return 1;
	if (x->param_count != y->param_count || x->result_count != y->result_count)
		return 0;
	for (uint8_t i = 0; i < x->param_count; i++)
		if (vm_type_at(vm, (fescue_off)(x->params + i)) != vm_type_at(vm, (fescue_off)(y->params + i)))
			return 0;
	for (uint8_t i = 0; i < x->result_count; i++)
		if (vm_type_at(vm, (fescue_off)(x->results + i)) != vm_type_at(vm, (fescue_off)(y->results + i)))
			return 0;
	return 1;
}

/* The function that call_indirect of a type calls, or why there is none. */
FESCUE_APART static fescue_trap indirect(const fescue_vm *vm, uint16_t type, uint32_t element, uint32_t *function)
{
	if (element >= vm->table_size)
		return FESCUE_TRAP_TABLE;
	if (vm->table[element] == 0)
		return FESCUE_TRAP_NULL;
	*function = vm->table[element] - 1u;
	return same_types(vm, type, vm->functions[*function].type) ? FESCUE_TRAP_NONE : FESCUE_TRAP_SIGNATURE;
}

/* The cell of a load or store of n bytes, in vm->memory; NULL: not mapped. The
 * offset stands at pc. */
static uint8_t *cell(const fescue_vm *vm, const uint8_t *pc, uint32_t base, uint8_t n)
{
	uint32_t offset = FESCUE_CODE_BYTE(pc++);
	if (offset & 0x80)
		long_u32(pc, offset, &offset);
	uint32_t at = base + offset;
	return at >= base && fescue_vm_within(vm, at, n) ? vm->memory + at : NULL;
}

/* Any load or store, whose offset stands at pc. NULL: beyond the mapped memory. */
FESCUE_APART static fescue_slot *access(const fescue_vm *vm, uint8_t op, const uint8_t *pc, fescue_slot *sp)
{
	uint8_t shape = FESCUE_ROM_BYTE(&vm_accesses[op - 0x28]), n = (uint8_t)(1 << (shape & 3)), store = op >= 0x36;
	uint8_t *p = cell(vm, pc, sp[-1 - store].i32, n), *value = (uint8_t *)(sp - 1);
	if (p == NULL)
		return NULL;
	if (store) {
		for (; n > 0; n--)
			*p++ = *value++;
		return sp - 2;
	}
	memset(value, shape & VM_SIGNED && p[n - 1] & 0x80 ? 0xff : 0, sizeof *sp);
	for (; n > 0; n--)
		*value++ = *p++;
	return sp;
}

/* --- the instructions ----------------------------------------------------- */

#define FETCH() FESCUE_CODE_BYTE(pc++)
#define TRAP(kind) do { trap = (kind); goto trapped; } while (0)
#define SKIP() do { } while (FETCH() & 0x80)
#define U32(v) \
	uint32_t v = FETCH(); \
	if (v & 0x80) { uint32_t long_; pc = long_u32(pc, v, &long_); v = long_; }

/* The fast build has a label for each instruction and jumps from one to the next; the
 * small one has a switch, and the integer instructions share taking their operands. */
#if FESCUE_VM_SPEED == 2
#define OP(n) op_##n:
#define OTHERS rest:
#define NEXT goto *labels[FETCH()]
#define OPCODE() FESCUE_CODE_BYTE(pc - 1)
#define ONE(n, type, expression) OP(n) { type a = (type)sp[-1].i32; sp[-1].i32 = (uint32_t)(expression); } NEXT;
#define TWO(n, type, expression) \
	OP(n) { type b = (type)sp[-1].i32, a = (type)sp[-2].i32; sp--; sp[-1].i32 = (uint32_t)(expression); } NEXT;
#define DIVIDE(n, type, overflow, expression) \
	OP(n) { \
		type b = (type)sp[-1].i32, a = (type)sp[-2].i32; \
		if (b == 0) TRAP(FESCUE_TRAP_DIVIDE); \
		if (overflow) TRAP(FESCUE_TRAP_OVERFLOW); \
		sp--; \
		sp[-1].i32 = (uint32_t)(expression); \
	} NEXT;
#define CELL(base, n) \
	SKIP(); \
	U32(offset_) \
	uint32_t at_ = (base) + offset_; \
	if (at_ < offset_ || !fescue_vm_within(vm, at_, n)) TRAP(FESCUE_TRAP_MEMORY);
#define LOAD(n, member, type) \
	OP(n) { CELL(sp[-1].i32, sizeof(type)) type v_; memcpy(&v_, vm->memory + at_, sizeof v_); sp[-1].member = (uint32_t)v_; } NEXT;
#define STORE(n, member, type) \
	OP(n) { CELL(sp[-2].i32, sizeof(type)) type v_ = (type)sp[-1].member; memcpy(vm->memory + at_, &v_, sizeof v_); sp -= 2; } NEXT;
#define LABEL(n, ...) [n] = &&op_##n,
#else
#define OP(n) case n:
#define OTHERS default:
#define NEXT continue
#define OPCODE() op
#define ONE(n, type, expression) case n: { type a = (type)sp[-1].i32; value = (uint32_t)(expression); goto one; }
#define TWO(n, type, expression) case n: { type b = (type)sp[-1].i32, a = (type)sp[-2].i32; value = (uint32_t)(expression); goto two; }
#define DIVIDE(n, type, overflow, expression) \
	case n: { \
		type b = (type)sp[-1].i32, a = (type)sp[-2].i32; \
		if (b == 0) TRAP(FESCUE_TRAP_DIVIDE); \
		if (overflow) TRAP(FESCUE_TRAP_OVERFLOW); \
		value = (uint32_t)(expression); \
		goto two; \
	}
#endif

#if FESCUE_VM_INT64 || FESCUE_VM_F32
/* i64.const, f32.const, f64.const: 0x42 to 0x44. */
static const uint8_t *constant(const uint8_t *pc, uint8_t op, fescue_slot *value)
{
#if FESCUE_VM_INT64
	if (op == 0x42)
		return read_s64(pc, &value->i64);
#endif
	for (uint8_t i = 0; i < (op == 0x43 ? 4 : 8); i++)
		((uint8_t *)value)[i] = FETCH();
	return pc;
}

#endif

#if FESCUE_VM_SPEED == 0
/* 0x46 to 0x4f: = ≠, then < > ≤ ≥, signed and unsigned each. */
static uint8_t compare(uint8_t k, uint32_t a, uint32_t b)
{
	if (k < 2)
		return (a == b) != k;
	if (!(k & 1)) { /* signed */
		a ^= 0x80000000;
		b ^= 0x80000000;
	}
	k = (uint8_t)(k - 2) >> 1;
	return ((k == 0 || k == 3) ? a < b : b < a) != k >> 1;
}

/* The 32-bit integer instructions. */
FESCUE_APART static uint8_t word(uint8_t op, fescue_slot *sp)
{
	uint32_t right = sp[-1].i32, left;
	switch (op) {
#define SHARED(n, type, expression) case n: { type a = (type)right; left = (uint32_t)(expression); break; }
	VM_I32_ONE(SHARED)
#undef SHARED
	default: goto two;
	}
	sp[-1].i32 = left;
	return FESCUE_TRAP_NONE;
two:
	left = sp[-2].i32;
	if (right == 0 && op >= 0x6d && op <= 0x70)
		return FESCUE_TRAP_DIVIDE;
	if (op <= 0x4f)
		left = compare((uint8_t)(op - 0x46), left, right);
	else switch (op) {
#define SHARED(n, type, expression) case n: { type a = (type)left, b = (type)right; left = (uint32_t)(expression); break; }
	VM_I32_TWO(SHARED)
#undef SHARED
#define SHARED(n, type, overflow, expression) \
	case n: { type a = (type)left, b = (type)right; if (overflow) return FESCUE_TRAP_OVERFLOW; left = (uint32_t)(expression); break; }
	VM_I32_DIVIDE(SHARED)
#undef SHARED
	}
	sp[-2].i32 = left;
	return VM_ONE_LESS;
}
#endif

/* The instructions that run() has no code for itself. */
FESCUE_APART static uint8_t numeric(uint8_t op, fescue_slot *sp)
{
#if FESCUE_VM_SPEED == 0
	if (op <= 0x4f || (op >= 0x67 && op <= 0x78) || op == 0xc0 || op == 0xc1)
		return word(op, sp);
#endif
#if FESCUE_VM_INT64
	if ((op >= 0x50 && op <= 0x5a) || (op >= 0x79 && op <= 0x8a) || op == 0xa7 || op == 0xac || op == 0xad || op >= 0xc2)
		return vm_long(op, sp);
#endif
#if FESCUE_VM_F32
	return vm_float(op, sp, 0);
#else
	(void)op, (void)sp;
	return FESCUE_TRAP_UNREACHABLE; /* checked code has no others */
#endif
}

/* Runs function f, whose parameters are at the stack's begin, until it returns. */
/* The one long function of the core: every instruction is a few lines of it. */
static fescue_trap run(fescue_vm *vm, uint32_t f)
{
	const uint8_t *pc = NULL;
	const fescue_vm_branch *side = NULL;
	const fescue_vm_function *function = NULL;
	fescue_slot *fp = vm->stack, *sp = vm->stack + vm->types[vm->functions[f].type].param_count;
	frame *top = (frame *)(void *)vm->stack_end;
	fescue_trap trap = FESCUE_TRAP_NONE;
#if FESCUE_VM_SPEED == 2
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#define L(n) LABEL(n)
	static const void *const labels[256] = {
		[0 ... 255] = &&rest,
		L(0x00) L(0x01) L(0x02) L(0x03) L(0x04) L(0x05) L(0x0b) L(0x0c) L(0x0d) L(0x0e) L(0x0f) L(0x10) L(0x11) L(0x1a) L(0x1b) L(0x1c)
		L(0x20) L(0x21) L(0x22) L(0x23) L(0x24) L(0x3f) L(0x40) L(0x41) L(0xfc)
		VM_I32_ONE(LABEL) VM_I32_COMPARE(LABEL) VM_I32_TWO(LABEL) VM_I32_DIVIDE(LABEL) VM_I32_LOADS(LABEL) VM_I32_STORES(LABEL)
	};
#pragma GCC diagnostic pop
#endif
	goto call;

branch:
	if (side->code <= (size_t)(pc - vm->code)) {
		uint32_t cost = (uint32_t)(pc - vm->code) - side->code;
		if (vm->fuel < cost)
			TRAP(FESCUE_TRAP_FUEL);
		vm->fuel -= cost;
	}
	{
		fescue_slot *to = fp + side->height;
		uint16_t n = side->keep;
		if (n == 1)
			*to = sp[-1];
		else if (n != 0)
			memmove(to, sp - n, n * sizeof *to);
		sp = to + n;
	}
	pc = vm->code + side->code;
	side = vm->branches + side->side;

next:
#if FESCUE_VM_SPEED == 2
	NEXT;
	{
#else
	for (;;) {
		uint8_t op = FETCH();
#if FESCUE_VM_SPEED == 1
		uint32_t value;
#endif
		switch (op) {
#endif
	OP(0x00) TRAP(FESCUE_TRAP_UNREACHABLE);
	OP(0x01) NEXT;
	OP(0x02) SKIP(); NEXT;
	OP(0x03) SKIP(); NEXT;
	OP(0x04)
		if (!(--sp)->i32)
			goto branch;
		side++;
		SKIP();
		NEXT;
	OP(0x05) goto branch;
	OP(0x0b)
		if (pc != vm->code + function->end)
			NEXT;
		goto leave;
	OP(0x0c) goto branch;
	OP(0x0d)
		if ((--sp)->i32)
			goto branch;
		side++;
		SKIP();
		NEXT;
	OP(0x0e) {
		U32(n)
		uint32_t i = (--sp)->i32;
		side += i < n ? i : n;
		goto branch;
	}
	OP(0x0f) goto leave;
	OP(0x10) {
		U32(callee)
		f = callee;
		goto call;
	}
	OP(0x11) {
		U32(type)
		SKIP();
		trap = indirect(vm, (uint16_t)type, (--sp)->i32, &f);
		if (trap != FESCUE_TRAP_NONE)
			goto trapped;
		goto call;
	}
	OP(0x1a) sp--; NEXT;
	OP(0x1c)
		SKIP(); /* a vector … */
		SKIP(); /* … of one type */
		goto select;
	OP(0x1b)
	select:
		sp -= 2;
		if (!sp[1].i32)
			sp[-1] = sp[0];
		NEXT;
	OP(0x20) { U32(i) *sp++ = fp[i]; } NEXT;
	OP(0x21) { U32(i) fp[i] = *--sp; } NEXT;
	OP(0x22) { U32(i) fp[i] = sp[-1]; } NEXT;
	OP(0x23) { U32(i) *sp++ = vm->globals[i]; } NEXT;
	OP(0x24) { U32(i) vm->globals[i] = *--sp; } NEXT;

	OP(0x3f) pc++; (sp++)->i32 = vm->pages; NEXT;
	OP(0x40) pc++; sp[-1].i32 = vm_grow(vm, sp[-1].i32); NEXT;

	OP(0x41) {
		uint32_t v = FETCH();
		if (v & 0x80) {
			uint32_t whole;
			pc = long_s32(pc, v, &whole);
			v = whole;
		} else if (v & 0x40) {
			v |= 0xffffff80;
		}
		(sp++)->i32 = v;
	} NEXT;
#if FESCUE_VM_SPEED == 2
	VM_I32_LOADS(LOAD)
	VM_I32_STORES(STORE)
	VM_I32_ONE(ONE)
	VM_I32_COMPARE(TWO)
	VM_I32_TWO(TWO)
	VM_I32_DIVIDE(DIVIDE)
#elif FESCUE_VM_SPEED == 1
	VM_I32_ONE(ONE)
	VM_I32_COMPARE(TWO)
	VM_I32_TWO(TWO)
	VM_I32_DIVIDE(DIVIDE)
	two:
		sp--;
	one:
		sp[-1].i32 = value;
		continue;
#endif
	OTHERS {
		uint8_t other = OPCODE();
		if (other <= 0x3e) {
			SKIP();
			fescue_slot *to = access(vm, other, pc, sp);
			if (to == NULL)
				TRAP(FESCUE_TRAP_MEMORY);
			sp = to;
			SKIP();
			NEXT;
		}
#if FESCUE_VM_INT64 || FESCUE_VM_F32
		if (other <= 0x44) {
			pc = constant(pc, other, sp++);
			NEXT;
		}
#endif
		uint8_t result = numeric(other, sp);
		sp -= result >> 7;
		trap = (fescue_trap)(result & (VM_ONE_LESS - 1));
		if (trap != FESCUE_TRAP_NONE)
			goto trapped;
	} NEXT;

	OP(0xfc) {
		U32(what)
#if FESCUE_VM_F32
		if (what <= 7) {
			vm_float((uint8_t)(what + (what < 4 ? 0xa8 : 0xae - 4)), sp, 1);
			NEXT;
		}
#endif
#if FESCUE_VM_BULK
		U32(segment)
		if (what != 9 && what != 11 && what != 13)
			SKIP();
		if (what != 9 && what != 13)
			sp -= 3;
		trap = vm_bulk(vm, what, segment, sp[0].i32, sp[1].i32, sp[2].i32);
		if (trap != FESCUE_TRAP_NONE)
			goto trapped;
#endif
		(void)what;
	} NEXT;

	}
#if FESCUE_VM_SPEED < 2
	}
#endif

call: {
	const fescue_vm_function *callee = &vm->functions[f];
	const fescue_vm_type *type = &vm->types[callee->type];
	fescue_slot *args = sp - type->param_count;
	if (f < vm->import_count) {
		trap = vm->host->call(vm, callee->code, args);
		if (trap != FESCUE_TRAP_NONE)
			goto trapped;
		sp = args + type->result_count;
		if (function == NULL)
			return FESCUE_TRAP_NONE; /* an import called from outside */
		goto next;
	}
	uint32_t cost = (uint32_t)(callee->end - callee->code);
	if (vm->fuel < cost)
		TRAP(FESCUE_TRAP_FUEL);
	vm->fuel -= cost;
	if ((size_t)((uint8_t *)top - (uint8_t *)args) < callee->slots * sizeof *sp + sizeof *top)
		TRAP(FESCUE_TRAP_STACK);
	*--top = (frame){pc, side, fp, function};
	function = callee;
	fp = args;
	memset(sp, 0, callee->locals * sizeof *sp);
	sp += callee->locals;
	pc = vm->code + callee->code;
	side = vm->branches + callee->side;
	goto next;
}

leave: {
	uint8_t n = vm->types[function->type].result_count;
	if (n == 1)
		*fp = sp[-1];
	else if (n != 0)
		memmove(fp, sp - n, n * sizeof *sp);
	sp = fp + n;
	pc = top->pc;
	side = top->side;
	fp = top->fp;
	function = top->function;
	top++;
	if (function == NULL)
		return FESCUE_TRAP_NONE;
	goto next;
}

trapped:
	vm->trap_function = (uint16_t)(function != NULL ? function - vm->functions : (ptrdiff_t)f);
	vm->trap_at = (fescue_off)(pc != NULL ? pc - vm->code : 0);
	return trap;
}

fescue_trap fescue_vm_call(fescue_vm *vm, unsigned function, fescue_slot *args)
{
	const fescue_vm_type *type = &vm->types[vm->functions[function].type];
	size_t most = type->param_count > type->result_count ? type->param_count : type->result_count;
	if (vm->stack + most > vm->stack_end)
		return FESCUE_TRAP_STACK;
	if (args != NULL)
		memcpy(vm->stack, args, type->param_count * sizeof *args);
	fescue_trap trap = run(vm, function);
	if (args != NULL && trap == FESCUE_TRAP_NONE)
		memcpy(args, vm->stack, type->result_count * sizeof *args);
	return trap;
}
