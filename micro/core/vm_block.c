/* Operands and blocks while a function is checked, and the table of its branches.
 *
 * Operand types and open blocks share one stack, which grows down from the
 * pool's end while the table of branches grows up from its begin: a byte for
 * an operand, a record for a block, and the operands inside a block lie below
 * its record. Nothing of it is left when the function has been checked. */
#include "vm_check.h"

static int room(vm_checker *c, size_t n)
{
	uint8_t *low = (uint8_t *)(c->vm->branches + c->vm->branch_count);
	if (c->sp < low || (size_t)(c->sp - low) < n) {
		vm_fail(c->r, FESCUE_VM_NO_ROOM);
		return 0;
	}
	return 1;
}

void vm_push(vm_checker *c, uint8_t type)
{
	if (!room(c, 1) || c->height > 0x7fff)
		return;
	*--c->sp = type;
	if (++c->height > c->most)
		c->most = c->height;
}

/* Takes the top operand; one of any type can be had where no code gets to. */
uint8_t vm_pop(vm_checker *c, uint8_t want)
{
	if (c->r->status != FESCUE_VM_OK)
		return want;
	if (c->height == c->top->height) {
		if (!c->top->unreachable)
			vm_invalid(c);
		return want;
	}
	uint8_t got = *c->sp++;
	c->height--;
	if (want != T_ANY && got != T_ANY && got != want)
		vm_invalid(c);
	return got != T_ANY ? got : want;
}

void vm_unreachable(vm_checker *c)
{
	c->sp = (uint8_t *)c->top;
	c->height = c->top->height;
	c->top->unreachable = 1;
}

/* How many parameters or results a vm_block has, and the type of one of them. */
uint8_t vm_arity(const vm_checker *c, const vm_block *b, int results)
{
	if (b->type >= 0) {
		const fescue_vm_type *t = &c->vm->types[b->type];
		return results ? t->result_count : t->param_count;
	}
	return results && b->type != -64;
}

uint8_t vm_block_value(const vm_checker *c, const vm_block *b, int results, uint8_t i)
{
	if (b->type < 0)
		return (uint8_t)(b->type & 0x7f);
	const fescue_vm_type *t = &c->vm->types[b->type];
	return vm_type_at(c->vm, (fescue_off)((results ? t->results : t->params) + i));
}

void vm_pop_values(vm_checker *c, const vm_block *b, int results)
{
	for (uint8_t i = vm_arity(c, b, results); i > 0; i--)
		vm_pop(c, vm_block_value(c, b, results, (uint8_t)(i - 1)));
}

void vm_push_values(vm_checker *c, const vm_block *b, int results)
{
	uint8_t n = vm_arity(c, b, results);
	for (uint8_t i = 0; i < n; i++)
		vm_push(c, vm_block_value(c, b, results, i));
}

void vm_open_block(vm_checker *c, uint8_t opcode, int32_t type)
{
	vm_block b = {.outer = c->top, .type = type, .opcode = opcode, .code = c->r->at, .side = c->vm->branch_count};
	if (c->top != NULL)
		vm_pop_values(c, &b, 0);
	b.operands = c->sp;
	b.height = c->height;
	uintptr_t misaligned = (uintptr_t)c->sp & (sizeof(void *) - 1);
	if (!room(c, sizeof b + misaligned))
		return;
	c->sp -= sizeof b + misaligned;
	c->top = (vm_block *)(void *)c->sp;
	*c->top = b;
	if (opcode != OP_FUNCTION)
		vm_push_values(c, c->top, 0);
}

/* Adds a branch that keeps n operands above the height of a block. */
static fescue_vm_branch *add_branch(vm_checker *c, uint16_t height, uint8_t keep)
{
	fescue_vm *vm = c->vm;
	if (!room(c, sizeof *vm->branches))
		return NULL;
	if (vm->branch_count == 0xffff) {
		vm_fail(c->r, FESCUE_VM_NO_ROOM);
		return NULL;
	}
	fescue_vm_branch *b = &vm->branches[vm->branch_count++];
	memset(b, 0, sizeof *b);
	b->height = (uint16_t)(c->locals + height);
	b->keep = keep;
	return b;
}

/* Adds a branch to a block's label. Where no code gets to, none is needed. */
void vm_branch_to(vm_checker *c, vm_block *b)
{
	if (c->top->unreachable)
		return;
	fescue_vm_branch *branch = add_branch(c, b->height, vm_arity(c, b, b->opcode != OP_LOOP));
	if (branch == NULL)
		return;
	if (b->opcode == OP_LOOP) {
		branch->code = b->code;
		branch->side = b->side;
	} else {
		branch->side = b->patches;
		b->patches = c->vm->branch_count;
	}
}

/* Tells branches where they lead, now that it is known. */
static void resolve(vm_checker *c, uint16_t patches, fescue_off code)
{
	while (patches != 0) {
		fescue_vm_branch *b = &c->vm->branches[patches - 1];
		patches = b->side;
		b->code = code;
		b->side = c->vm->branch_count;
	}
}

vm_block *vm_label(vm_checker *c)
{
	vm_block *b = c->top;
	for (uint32_t depth = vm_u32(c->r); depth > 0 && b != NULL; depth--)
		b = b->outer;
	if (b == NULL)
		vm_invalid(c);
	return c->r->status == FESCUE_VM_OK ? b : c->top;
}

void vm_check_block(vm_checker *c, uint8_t opcode)
{
	vm_reader *r = c->r;
	uint8_t first = vm_byte(r);
	int32_t type = -64;
	if (first != T_NONE) {
		r->at--;
		if (first & 0x40 && !(first & 0x80))
			type = (int32_t)vm_value_type(r) - 128;
		else
			type = (int32_t)vm_u32(r); /* signed, of 33 bits; a negative one is no type that there is */
		if (!(first & 0x40 && !(first & 0x80)) && (uint32_t)type >= c->vm->type_count)
			vm_invalid(c);
	}
	if (opcode == OP_IF)
		vm_pop(c, T_I32);
	if (r->status != FESCUE_VM_OK)
		return;
	int reached = !c->top->unreachable;
	vm_open_block(c, opcode, type);
	if (opcode == OP_IF && reached && r->status == FESCUE_VM_OK && add_branch(c, c->height, 0) != NULL)
		c->top->otherwise = c->vm->branch_count;
}

/* The end of a block's code: its results, and nothing else, are on the stack. */
static void close_values(vm_checker *c)
{
	vm_pop_values(c, c->top, 1);
	if (c->height != c->top->height)
		vm_invalid(c);
}

void vm_check_else(vm_checker *c)
{
	vm_block *b = c->top;
	if (b->opcode != OP_IF) {
		vm_fail(c->r, FESCUE_VM_MALFORMED);
		return;
	}
	vm_branch_to(c, b);
	close_values(c);
	if (c->r->status != FESCUE_VM_OK)
		return;
	resolve(c, b->otherwise, c->r->at);
	b->otherwise = 0;
	b->opcode = OP_ELSE;
	b->unreachable = 0;
	c->sp = (uint8_t *)b;
	c->height = b->height;
	vm_push_values(c, b, 0);
}

/* An `if` without `else` passes its parameters on: they must be its results. */
static void check_bare_if(vm_checker *c)
{
	uint8_t n = vm_arity(c, c->top, 1);
	if (n != vm_arity(c, c->top, 0))
		vm_invalid(c);
	for (uint8_t i = 0; i < n && c->r->status == FESCUE_VM_OK; i++)
		if (vm_block_value(c, c->top, 1, i) != vm_block_value(c, c->top, 0, i))
			vm_invalid(c);
}

void vm_check_end(vm_checker *c)
{
	close_values(c);
	if (c->top->opcode == OP_IF)
		check_bare_if(c);
	if (c->r->status != FESCUE_VM_OK)
		return;
	vm_block b = *c->top;
	/* A branch out of the function goes to its last instruction, which returns. */
	fescue_off target = (fescue_off)(b.opcode == OP_FUNCTION ? c->r->at - 1 : c->r->at);
	resolve(c, b.otherwise, target);
	resolve(c, b.patches, target);
	c->sp = b.operands;
	c->top = b.outer;
	if (c->top != NULL)
		vm_push_values(c, &b, 1);
}
