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
int32_t vm_s33(vm_reader *r);
#if FESCUE_VM_INT64
uint64_t vm_s64(vm_reader *r);
#endif
void vm_skip(vm_reader *r, uint32_t n);
void vm_fail(vm_reader *r, fescue_vm_status status);
void vm_name(vm_reader *r, const uint8_t **name, fescue_off *length);
uint8_t vm_value_type(vm_reader *r);
uint32_t vm_count(vm_reader *r); /* the length of a vector of things of a byte at least */

/* Space of the pool; NULL and a failed reader when there is none. */
void *vm_take(vm_reader *r, uint32_t count, uint16_t size);

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

/* Floats without a mathematical library. */
#if FESCUE_VM_F32
float vm_f32_round(float x, uint8_t how);
float vm_f32_sqrt(float x);
float vm_f32_min(float a, float b);
float vm_f32_max(float a, float b);
#endif
#if FESCUE_VM_F64
double vm_f64_round(double x, uint8_t how);
double vm_f64_sqrt(double x);
double vm_f64_min(double a, double b);
double vm_f64_max(double a, double b);
#endif
enum { ROUND_CEIL, ROUND_FLOOR, ROUND_TRUNC, ROUND_NEAREST };

#endif
