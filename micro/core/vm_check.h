/* What checks a function: its stack of operand types and open blocks (vm_block.c)
 * and the instructions (vm_check.c). */
#ifndef FESCUE_VM_CHECK_H
#define FESCUE_VM_CHECK_H

#include "vm_internal.h"

/* An open block. */
typedef struct vm_block {
	struct vm_block *outer;
	uint8_t *operands; /* of the outer block: where the stack was */
	int32_t type;      /* -64 nothing, other negative a value type, else a type's index */
	fescue_off code;   /* of a loop: where it begins … */
	uint16_t side;     /* … and its place in the side table */
	uint16_t height;   /* operands below this block */
	uint16_t patches;  /* branches to its end: the last one plus one, chained by their side */
	uint16_t otherwise; /* the branch of an `if` to its `else`, plus one */
	uint8_t opcode;
	uint8_t unreachable;
} vm_block;

enum { OP_BLOCK = 0x02, OP_LOOP = 0x03, OP_IF = 0x04, OP_ELSE = 0x05, OP_FUNCTION = 0 };

typedef struct {
	vm_reader *r;
	fescue_vm *vm;
	const fescue_vm_type *signature;
	vm_block *top;
	uint8_t *sp;
	fescue_off locals_at; /* where the declarations of locals stand */
	uint16_t function_type;
	uint16_t locals; /* with the parameters */
	uint16_t height, most;
} vm_checker;

/* Operands. T_ANY stands for one of any type. */
void vm_push(vm_checker *c, uint8_t type);
uint8_t vm_pop(vm_checker *c, uint8_t want);

/* Blocks and their labels. results: those, not the parameters. */
uint8_t vm_arity(const vm_checker *c, const vm_block *b, int results);
uint8_t vm_block_value(const vm_checker *c, const vm_block *b, int results, uint8_t i);
void vm_pop_values(vm_checker *c, const vm_block *b, int results);
void vm_push_values(vm_checker *c, const vm_block *b, int results);
void vm_open_block(vm_checker *c, uint8_t opcode, int32_t type);
void vm_check_block(vm_checker *c, uint8_t opcode);
void vm_check_else(vm_checker *c);
void vm_check_end(vm_checker *c);
vm_block *vm_label(vm_checker *c);
void vm_branch_to(vm_checker *c, vm_block *b);
void vm_unreachable(vm_checker *c);

static inline void vm_invalid(vm_checker *c) { vm_fail(c->r, FESCUE_VM_INVALID); }

#endif
