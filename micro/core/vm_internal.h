/* What the files of the virtual machine share; not for ports. */
#ifndef FESCUE_VM_INTERNAL_H
#define FESCUE_VM_INTERNAL_H

#include <string.h>

#include "fescue_vm.h"

enum { T_I32 = 0x7f, T_I64 = 0x7e, T_F32 = 0x7d, T_F64 = 0x7c, T_FUNCREF = 0x70, T_NONE = 0x40, T_ANY = 0 };
enum { MUTABLE = 0x80, PAGE = 65536 };
enum { SEGMENT_ACTIVE = 0, SEGMENT_PASSIVE = 1, SEGMENT_DECLARED = 2, SEGMENT_EXPRESSIONS = 4 };

/* Reads a module from front to back. A read beyond the end, or a number that is
 * none, sets status and gives 0: callers look once, at the end. */
typedef struct {
	fescue_vm *vm;
	fescue_off at, end;
	uint8_t status;
} vm_reader;

uint8_t vm_byte(vm_reader *r);
uint32_t vm_u32(vm_reader *r);
int32_t vm_s32(vm_reader *r);
#if FESCUE_VM_INT64
uint64_t vm_s64(vm_reader *r);
#endif
void vm_skip(vm_reader *r, uint32_t n);
void vm_fail(vm_reader *r, fescue_vm_status status);
void vm_name(vm_reader *r, const uint8_t **name, fescue_off *length);
uint8_t vm_value_type(vm_reader *r);
fescue_off vm_count(vm_reader *r); /* the length of a vector of things of a byte at least */

/* Space of the pool; NULL and a failed reader when there is none. */
void *vm_take(vm_reader *r, size_t count, uint8_t size);

uint8_t vm_type_at(const fescue_vm *vm, fescue_off at);
int vm_same_type(const fescue_vm *vm, uint16_t a, uint16_t b);
fescue_slot vm_constant(vm_reader *r, uint8_t type);
uint16_t vm_item(vm_reader *r, uint8_t mode);
void vm_read_elements(vm_reader *r);
void vm_read_data(vm_reader *r);
void vm_check_function(vm_reader *r, fescue_vm_function *f);

/* memory.grow; and one of the instructions 0xfc 8 to 14, a, b and n its operands. */
uint32_t vm_grow(fescue_vm *vm, uint32_t more);
#if FESCUE_VM_BULK
fescue_trap vm_bulk(fescue_vm *vm, uint32_t op, uint32_t segment, uint32_t a, uint32_t b, uint32_t n);
#endif

/* Of the loads and stores, 0x28 to 0x3e: bits 0 and 1 how many bytes (1, 2, 4, 8), and
 * so the natural alignment; VM_SIGNED; from bit 4 on the type, less T_F64. */
extern const uint8_t vm_accesses[];
enum { VM_SIGNED = 0x08 };

/* An instruction on 64-bit integers or floats at sp[-1] and, of two, sp[-2]: a trap,
 * or 0; and VM_ONE_LESS if it leaves one operand less than it takes. */
enum { VM_ONE_LESS = 0x80 };
#if FESCUE_VM_INT64
uint8_t vm_long(uint8_t op, fescue_slot *sp);
#endif
#if FESCUE_VM_F32
uint8_t vm_float(uint8_t op, fescue_slot *sp, uint8_t saturate);
#endif

#endif
