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
#include "vm_opcodes.h"

typedef struct {
	const uint8_t *pc;
	const fescue_vm_branch *side;
	fescue_slot *fp;
	const fescue_vm_function *function;
} frame;

static int same_types(const fescue_vm *vm, uint16_t a, uint16_t b)
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
static fescue_trap indirect(const fescue_vm *vm, uint16_t type, uint32_t element, uint32_t *function)
{
	if (element >= vm->table_size)
		return FESCUE_TRAP_TABLE;
	if (vm->table[element] == 0)
		return FESCUE_TRAP_NULL;
	*function = vm->table[element] - 1u;
	return same_types(vm, type, vm->functions[*function].type) ? FESCUE_TRAP_NONE : FESCUE_TRAP_SIGNATURE;
}

#if !FESCUE_VM_INLINE
/* The cell of a load or store of n bytes, in vm->memory; NULL: not mapped. The
 * offset stands at pc. */
static uint8_t *cell(const fescue_vm *vm, const uint8_t *pc, uint32_t base, uint32_t n)
{
	uint32_t offset = FESCUE_CODE_BYTE(pc++);
	if (offset & 0x80)
		long_u32(pc, offset, &offset);
	uint32_t at = base + offset;
	return at >= base && fescue_vm_within(vm, at, n) ? vm->memory + at : NULL;
}
#endif

/* --- the instructions ----------------------------------------------------- */

#define FETCH() FESCUE_CODE_BYTE(pc++)
#define TRAP(kind) do { trap = (kind); goto trapped; } while (0)
#define SKIP() do { } while (FETCH() & 0x80)
#define U32(v) \
	uint32_t v = FETCH(); \
	if (v & 0x80) { uint32_t long_; pc = long_u32(pc, v, &long_); v = long_; }

#if FESCUE_VM_THREADED
#define OP(n) op_##n:
#define NEXT goto *labels[FETCH()]
#else
#define OP(n) case n:
#define NEXT continue
#endif

#if FESCUE_VM_INLINE
#define CELL(base, n) \
	SKIP(); \
	U32(offset_) \
	uint32_t at_ = (base) + offset_; \
	if (at_ < offset_ || !fescue_vm_within(vm, at_, n)) TRAP(FESCUE_TRAP_MEMORY); \
	uint8_t *p = vm->memory + at_
#else
#define CELL(base, n) \
	SKIP(); \
	uint8_t *p = cell(vm, pc, (base), n); \
	SKIP(); \
	if (p == NULL) TRAP(FESCUE_TRAP_MEMORY)
#endif

#define LOAD(n, size, get, member, as) OP(n) { CELL(sp[-1].i32, size); sp[-1].member = as get(p); } NEXT;
#define STORE(n, size, put, member, as) OP(n) { CELL(sp[-2].i32, size); put(p, as sp[-1].member); sp -= 2; } NEXT;
#define BINARY(n, type, member, result, expression) \
	OP(n) { type b = (type)sp[-1].member, a = (type)sp[-2].member; sp--; sp[-1].result = (expression); } NEXT;
#define UNARY(n, type, member, result, expression) OP(n) { type a = (type)sp[-1].member; sp[-1].result = (expression); } NEXT;
#define DIVIDE(n, type, member, overflow, expression) \
	OP(n) { \
		type b = (type)sp[-1].member, a = (type)sp[-2].member; \
		if (b == 0) TRAP(FESCUE_TRAP_DIVIDE); \
		if (overflow) TRAP(FESCUE_TRAP_OVERFLOW); \
		sp--; \
		sp[-1].member = (expression); \
	} NEXT;
/* Floats to integers: x must lie between low and high, both left out. */
#define TRUNCATE(n, type, from, low, high, to, as) \
	OP(n) { \
		type x = sp[-1].from; \
		if (x != x) TRAP(FESCUE_TRAP_CONVERSION); \
		if (!(x > (low) && x < (high))) TRAP(FESCUE_TRAP_OVERFLOW); \
		sp[-1].to = as x; \
	} NEXT;
#define SATURATE(n, type, from, low, high, to, as, least, most) \
	case n: { \
		type x = sp[-1].from; \
		sp[-1].to = x != x ? 0 : !(x > (low)) ? (least) : !(x < (high)) ? (most) : as x; \
		break; \
	}

#if FESCUE_VM_F32
/* The saturating conversions, 0xfc 0 to 7: rare enough for a function. */
static void saturate(fescue_slot *sp, uint32_t op)
{
	switch (op) {
	SATURATE(0, float, f32, -2147483904.0f, 2147483648.0f, i32, (uint32_t)(int32_t), 0x80000000u, 0x7fffffffu)
	SATURATE(1, float, f32, -1.0f, 4294967296.0f, i32, (uint32_t), 0u, 0xffffffffu)
#if FESCUE_VM_F64
	SATURATE(2, double, f64, -2147483649.0, 2147483648.0, i32, (uint32_t)(int32_t), 0x80000000u, 0x7fffffffu)
	SATURATE(3, double, f64, -1.0, 4294967296.0, i32, (uint32_t), 0u, 0xffffffffu)
	SATURATE(6, double, f64, -9223372036854777856.0, 9223372036854775808.0, i64, (uint64_t)(int64_t), 1ull << 63, ~(1ull << 63))
	SATURATE(7, double, f64, -1.0, 18446744073709551616.0, i64, (uint64_t), 0ull, ~0ull)
#endif
#if FESCUE_VM_INT64
	SATURATE(4, float, f32, -9223373136366403584.0f, 9223372036854775808.0f, i64, (uint64_t)(int64_t), 1ull << 63, ~(1ull << 63))
	SATURATE(5, float, f32, -1.0f, 18446744073709551616.0f, i64, (uint64_t), 0ull, ~0ull)
#endif
	}
}
#endif

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
#if FESCUE_VM_THREADED
	static const void *const labels[256] = {
#define X(n) [n] = &&op_##n,
		VM_OPCODES(X)
#undef X
	};
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
#if FESCUE_VM_THREADED
	NEXT;
	{
#else
	for (;;) {
		switch (FETCH()) {
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

	LOAD(0x28, 4, get_u32, i32, )
	LOAD(0x2c, 1, get_u8, i32, (uint32_t)(int8_t))
	LOAD(0x2d, 1, get_u8, i32, )
	LOAD(0x2e, 2, get_u16, i32, (uint32_t)(int16_t))
	LOAD(0x2f, 2, get_u16, i32, )
	STORE(0x36, 4, put_u32, i32, )
	STORE(0x3a, 1, put_u8, i32, (uint8_t))
	STORE(0x3b, 2, put_u16, i32, (uint16_t))
#if FESCUE_VM_F32
	LOAD(0x2a, 4, get_u32, i32, )
	STORE(0x38, 4, put_u32, i32, )
#endif
#if FESCUE_VM_INT64
	LOAD(0x29, 8, get_u64, i64, )
	LOAD(0x30, 1, get_u8, i64, (uint64_t)(int8_t))
	LOAD(0x31, 1, get_u8, i64, )
	LOAD(0x32, 2, get_u16, i64, (uint64_t)(int16_t))
	LOAD(0x33, 2, get_u16, i64, )
	LOAD(0x34, 4, get_u32, i64, (uint64_t)(int32_t))
	LOAD(0x35, 4, get_u32, i64, )
	STORE(0x37, 8, put_u64, i64, )
	STORE(0x3c, 1, put_u8, i64, (uint8_t))
	STORE(0x3d, 2, put_u16, i64, (uint16_t))
	STORE(0x3e, 4, put_u32, i64, (uint32_t))
#endif
#if FESCUE_VM_F64
	LOAD(0x2b, 8, get_u64, i64, )
	STORE(0x39, 8, put_u64, i64, )
#endif
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
#if FESCUE_VM_INT64
	OP(0x42) {
		uint64_t v;
		pc = read_s64(pc, &v);
		(sp++)->i64 = v;
	} NEXT;
#endif
#if FESCUE_VM_F32
	OP(0x43) {
		uint8_t raw[4];
		for (uint8_t i = 0; i < sizeof raw; i++)
			raw[i] = FETCH();
		(sp++)->i32 = get_u32(raw);
	} NEXT;
#endif
#if FESCUE_VM_F64
	OP(0x44) {
		uint8_t raw[8];
		for (uint8_t i = 0; i < sizeof raw; i++)
			raw[i] = FETCH();
		(sp++)->i64 = get_u64(raw);
	} NEXT;
#endif

	UNARY(0x45, uint32_t, i32, i32, !a)
	BINARY(0x46, uint32_t, i32, i32, a == b)
	BINARY(0x47, uint32_t, i32, i32, a != b)
	BINARY(0x48, int32_t, i32, i32, a < b)
	BINARY(0x49, uint32_t, i32, i32, a < b)
	BINARY(0x4a, int32_t, i32, i32, a > b)
	BINARY(0x4b, uint32_t, i32, i32, a > b)
	BINARY(0x4c, int32_t, i32, i32, a <= b)
	BINARY(0x4d, uint32_t, i32, i32, a <= b)
	BINARY(0x4e, int32_t, i32, i32, a >= b)
	BINARY(0x4f, uint32_t, i32, i32, a >= b)
	UNARY(0x67, uint32_t, i32, i32, clz32(a))
	UNARY(0x68, uint32_t, i32, i32, ctz32(a))
	UNARY(0x69, uint32_t, i32, i32, popcount32(a))
	BINARY(0x6a, uint32_t, i32, i32, a + b)
	BINARY(0x6b, uint32_t, i32, i32, a - b)
	BINARY(0x6c, uint32_t, i32, i32, a * b)
	DIVIDE(0x6d, int32_t, i32, a == INT32_MIN && b == -1, (uint32_t)(a / b))
	DIVIDE(0x6e, uint32_t, i32, 0, a / b)
	DIVIDE(0x6f, int32_t, i32, 0, b == -1 ? 0 : (uint32_t)(a % b))
	DIVIDE(0x70, uint32_t, i32, 0, a % b)
	BINARY(0x71, uint32_t, i32, i32, a & b)
	BINARY(0x72, uint32_t, i32, i32, a | b)
	BINARY(0x73, uint32_t, i32, i32, a ^ b)
	BINARY(0x74, uint32_t, i32, i32, a << (b & 31))
	BINARY(0x75, int32_t, i32, i32, (uint32_t)(a >> (b & 31)))
	BINARY(0x76, uint32_t, i32, i32, a >> (b & 31))
	BINARY(0x77, uint32_t, i32, i32, rotl32(a, b))
	BINARY(0x78, uint32_t, i32, i32, rotl32(a, -b))
	UNARY(0xc0, int8_t, i32, i32, (uint32_t)a)
	UNARY(0xc1, int16_t, i32, i32, (uint32_t)a)

#if FESCUE_VM_INT64
	UNARY(0x50, uint64_t, i64, i32, !a)
	BINARY(0x51, uint64_t, i64, i32, a == b)
	BINARY(0x52, uint64_t, i64, i32, a != b)
	BINARY(0x53, int64_t, i64, i32, a < b)
	BINARY(0x54, uint64_t, i64, i32, a < b)
	BINARY(0x55, int64_t, i64, i32, a > b)
	BINARY(0x56, uint64_t, i64, i32, a > b)
	BINARY(0x57, int64_t, i64, i32, a <= b)
	BINARY(0x58, uint64_t, i64, i32, a <= b)
	BINARY(0x59, int64_t, i64, i32, a >= b)
	BINARY(0x5a, uint64_t, i64, i32, a >= b)
	UNARY(0x79, uint64_t, i64, i64, clz64(a))
	UNARY(0x7a, uint64_t, i64, i64, ctz64(a))
	UNARY(0x7b, uint64_t, i64, i64, popcount32((uint32_t)a) + popcount32((uint32_t)(a >> 32)))
	BINARY(0x7c, uint64_t, i64, i64, a + b)
	BINARY(0x7d, uint64_t, i64, i64, a - b)
	BINARY(0x7e, uint64_t, i64, i64, a * b)
	DIVIDE(0x7f, int64_t, i64, a == INT64_MIN && b == -1, (uint64_t)(a / b))
	DIVIDE(0x80, uint64_t, i64, 0, a / b)
	DIVIDE(0x81, int64_t, i64, 0, b == -1 ? 0 : (uint64_t)(a % b))
	DIVIDE(0x82, uint64_t, i64, 0, a % b)
	BINARY(0x83, uint64_t, i64, i64, a & b)
	BINARY(0x84, uint64_t, i64, i64, a | b)
	BINARY(0x85, uint64_t, i64, i64, a ^ b)
	BINARY(0x86, uint64_t, i64, i64, a << (b & 63))
	BINARY(0x87, int64_t, i64, i64, (uint64_t)(a >> (b & 63)))
	BINARY(0x88, uint64_t, i64, i64, a >> (b & 63))
	BINARY(0x89, uint64_t, i64, i64, rotl64(a, (uint32_t)b))
	BINARY(0x8a, uint64_t, i64, i64, rotl64(a, -(uint32_t)b))
	UNARY(0xa7, uint64_t, i64, i32, (uint32_t)a)
	UNARY(0xac, int32_t, i32, i64, (uint64_t)a)
	UNARY(0xad, uint32_t, i32, i64, a)
	UNARY(0xc2, int8_t, i64, i64, (uint64_t)a)
	UNARY(0xc3, int16_t, i64, i64, (uint64_t)a)
	UNARY(0xc4, int32_t, i64, i64, (uint64_t)a)
#endif

#if FESCUE_VM_F32
	BINARY(0x5b, float, f32, i32, a == b)
	BINARY(0x5c, float, f32, i32, a != b)
	BINARY(0x5d, float, f32, i32, a < b)
	BINARY(0x5e, float, f32, i32, a > b)
	BINARY(0x5f, float, f32, i32, a <= b)
	BINARY(0x60, float, f32, i32, a >= b)
	UNARY(0x8b, uint32_t, i32, i32, a & 0x7fffffff)
	UNARY(0x8c, uint32_t, i32, i32, a ^ 0x80000000)
	UNARY(0x8d, float, f32, f32, vm_f32_round(a, ROUND_CEIL))
	UNARY(0x8e, float, f32, f32, vm_f32_round(a, ROUND_FLOOR))
	UNARY(0x8f, float, f32, f32, vm_f32_round(a, ROUND_TRUNC))
	UNARY(0x90, float, f32, f32, vm_f32_round(a, ROUND_NEAREST))
	UNARY(0x91, float, f32, f32, vm_f32_sqrt(a))
	BINARY(0x92, float, f32, f32, a + b)
	BINARY(0x93, float, f32, f32, a - b)
	BINARY(0x94, float, f32, f32, a * b)
	BINARY(0x95, float, f32, f32, a / b)
	BINARY(0x96, float, f32, f32, vm_f32_min(a, b))
	BINARY(0x97, float, f32, f32, vm_f32_max(a, b))
	BINARY(0x98, uint32_t, i32, i32, (a & 0x7fffffff) | (b & 0x80000000))
	TRUNCATE(0xa8, float, f32, -2147483904.0f, 2147483648.0f, i32, (uint32_t)(int32_t))
	TRUNCATE(0xa9, float, f32, -1.0f, 4294967296.0f, i32, (uint32_t))
	UNARY(0xb2, int32_t, i32, f32, (float)a)
	UNARY(0xb3, uint32_t, i32, f32, (float)a)
	OP(0xbc) NEXT;
	OP(0xbe) NEXT;
#if FESCUE_VM_INT64
	TRUNCATE(0xae, float, f32, -9223373136366403584.0f, 9223372036854775808.0f, i64, (uint64_t)(int64_t))
	TRUNCATE(0xaf, float, f32, -1.0f, 18446744073709551616.0f, i64, (uint64_t))
	UNARY(0xb4, int64_t, i64, f32, (float)a)
	UNARY(0xb5, uint64_t, i64, f32, (float)a)
#endif
#endif

#if FESCUE_VM_F64
	BINARY(0x61, double, f64, i32, a == b)
	BINARY(0x62, double, f64, i32, a != b)
	BINARY(0x63, double, f64, i32, a < b)
	BINARY(0x64, double, f64, i32, a > b)
	BINARY(0x65, double, f64, i32, a <= b)
	BINARY(0x66, double, f64, i32, a >= b)
	UNARY(0x99, uint64_t, i64, i64, a & ~(1ull << 63))
	UNARY(0x9a, uint64_t, i64, i64, a ^ 1ull << 63)
	UNARY(0x9b, double, f64, f64, vm_f64_round(a, ROUND_CEIL))
	UNARY(0x9c, double, f64, f64, vm_f64_round(a, ROUND_FLOOR))
	UNARY(0x9d, double, f64, f64, vm_f64_round(a, ROUND_TRUNC))
	UNARY(0x9e, double, f64, f64, vm_f64_round(a, ROUND_NEAREST))
	UNARY(0x9f, double, f64, f64, vm_f64_sqrt(a))
	BINARY(0xa0, double, f64, f64, a + b)
	BINARY(0xa1, double, f64, f64, a - b)
	BINARY(0xa2, double, f64, f64, a * b)
	BINARY(0xa3, double, f64, f64, a / b)
	BINARY(0xa4, double, f64, f64, vm_f64_min(a, b))
	BINARY(0xa5, double, f64, f64, vm_f64_max(a, b))
	BINARY(0xa6, uint64_t, i64, i64, (a & ~(1ull << 63)) | (b & 1ull << 63))
	TRUNCATE(0xaa, double, f64, -2147483649.0, 2147483648.0, i32, (uint32_t)(int32_t))
	TRUNCATE(0xab, double, f64, -1.0, 4294967296.0, i32, (uint32_t))
	TRUNCATE(0xb0, double, f64, -9223372036854777856.0, 9223372036854775808.0, i64, (uint64_t)(int64_t))
	TRUNCATE(0xb1, double, f64, -1.0, 18446744073709551616.0, i64, (uint64_t))
	UNARY(0xb6, double, f64, f32, (float)a)
	UNARY(0xb7, int32_t, i32, f64, (double)a)
	UNARY(0xb8, uint32_t, i32, f64, (double)a)
	UNARY(0xb9, int64_t, i64, f64, (double)a)
	UNARY(0xba, uint64_t, i64, f64, (double)a)
	UNARY(0xbb, float, f32, f64, (double)a)
	OP(0xbd) NEXT;
	OP(0xbf) NEXT;
#endif

	OP(0xfc) {
		U32(op)
#if FESCUE_VM_F32
		if (op <= 7) {
			saturate(sp, op);
			NEXT;
		}
#endif
#if FESCUE_VM_BULK
		U32(segment)
		if (op != 9 && op != 11 && op != 13)
			SKIP();
		if (op != 9 && op != 13)
			sp -= 3;
		trap = vm_bulk(vm, op, segment, sp[0].i32, sp[1].i32, sp[2].i32);
		if (trap != FESCUE_TRAP_NONE)
			goto trapped;
#endif
		(void)op;
	} NEXT;

#if FESCUE_VM_THREADED
	}
#else
		default:
			TRAP(FESCUE_TRAP_UNREACHABLE); /* checked code has no others */
		}
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
