/* The virtual machine: WebAssembly modules, checked as a whole before a single
 * instruction runs, then interpreted where they lie.
 *
 * Version 1 of the specification with sign extension, multi-value, bulk memory
 * and the saturating conversions; imports are functions only. It allocates
 * nothing: everything it keeps is in the pool that load() is given. A module can
 * reach its own memory and its imports, and it stops when its fuel is used up.
 *
 *     fescue_vm vm;
 *     fescue_vm_options o = {.host = &host, .stack = 512, .memory = 1024};
 *     if (fescue_vm_load(&vm, module, size, pool, sizeof pool, &o) == FESCUE_VM_OK) {
 *         int f = fescue_vm_export(&vm, "handle", 6);
 *         vm.fuel = 1000000;
 *         trap = fescue_vm_call(&vm, f, NULL);
 *     }
 *
 * After a trap the module's memory is as the trap left it: load() again. */
#ifndef FESCUE_VM_H
#define FESCUE_VM_H

#include <stddef.h>
#include <stdint.h>

#include "fescue_config.h"

#if FESCUE_VM_LARGE
typedef uint32_t fescue_off; /* a place in a module */
#else
typedef uint16_t fescue_off;
#endif

/* One value: a parameter, a local variable, an operand. */
typedef union {
	uint32_t i32;
#if FESCUE_VM_F32
	float f32;
#endif
#if FESCUE_VM_INT64
	uint64_t i64;
#endif
#if FESCUE_VM_F64
	double f64;
#endif
} fescue_slot;

/* What load() found. */
typedef enum {
	FESCUE_VM_OK,
	FESCUE_VM_MALFORMED,   /* not the binary format */
	FESCUE_VM_INVALID,     /* well formed, but types or indices are wrong */
	FESCUE_VM_UNSUPPORTED, /* needs what this build does not have */
	FESCUE_VM_NO_IMPORT,   /* imports what the host does not offer */
	FESCUE_VM_NO_ROOM      /* the pool is too small */
} fescue_vm_status;

/* Why a call ended before its time. */
typedef enum {
	FESCUE_TRAP_NONE,
	FESCUE_TRAP_UNREACHABLE,
	FESCUE_TRAP_MEMORY,     /* an access beyond the mapped memory */
	FESCUE_TRAP_DIVIDE,     /* by zero */
	FESCUE_TRAP_OVERFLOW,   /* of an integer division or conversion */
	FESCUE_TRAP_CONVERSION, /* of NaN to an integer */
	FESCUE_TRAP_TABLE,      /* an access beyond the table */
	FESCUE_TRAP_NULL,       /* a call of an empty table element */
	FESCUE_TRAP_SIGNATURE,  /* an indirect call of another type */
	FESCUE_TRAP_STACK,
	FESCUE_TRAP_FUEL,
	FESCUE_TRAP_HOST        /* an import refused */
} fescue_trap;

typedef struct fescue_vm fescue_vm;

/* An imported function, for the host's resolver. The names lie in the module:
 * read them with FESCUE_CODE_BYTE, or use fescue_vm_import_is(). */
typedef struct {
	const uint8_t *module, *name;
	fescue_off module_length, name_length;
	uint16_t type;
} fescue_import;

/* What the host offers to modules. */
typedef struct {
	/* The number of an import for call(), or -1 if it is not offered. */
	int (*resolve)(const fescue_vm *vm, const fescue_import *import);
	/* Runs an import. args holds the parameters, and takes the results; anything
	 * but FESCUE_TRAP_NONE ends the call of the module. */
	fescue_trap (*call)(fescue_vm *vm, unsigned number, fescue_slot *args);
} fescue_host;

typedef struct {
	const fescue_host *host;
	uint32_t stack;  /* bytes for operands, locals and call frames */
	uint32_t memory; /* bytes of linear memory mapped at most; 0: all that is left of the pool */
	void *context;   /* the host's own, kept in vm.context */
} fescue_vm_options;

typedef struct {
	fescue_off params, results; /* where the value types stand */
	uint8_t param_count, result_count;
} fescue_vm_type;

typedef struct {
	fescue_off code; /* the first instruction; of an import its number */
	fescue_off end;  /* behind the last one; 0: an import */
	uint16_t side;   /* its first branch in the side table */
	uint16_t type;
	uint16_t locals; /* without the parameters */
	uint16_t slots;  /* parameters, locals and the most operands at a time */
} fescue_vm_function;

/* A branch, prepared: where to go, and what to do with the operands. */
typedef struct {
	fescue_off code;
	uint16_t side;   /* the next branch from there on */
	uint16_t height; /* slots of the frame that stay … */
	uint16_t keep;   /* … below this many results */
} fescue_vm_branch;

typedef struct {
	uint32_t offset; /* where it goes, if it is active */
	fescue_off at, count;
	uint8_t mode;
} fescue_vm_segment;

struct fescue_vm {
	/* For the host. */
	uint32_t fuel;         /* what is left; a call takes from it */
	uint8_t *memory;       /* the module's linear memory … */
	uint32_t memory_size;  /* … and how many bytes of it are mapped */
	void *context;
	uint16_t trap_function; /* where the last trap was: the function's number … */
	fescue_off trap_at;     /* … and the place in the module */
	uint32_t pool_used;     /* bytes of the pool in use, memory included */

	/* The machine's own. */
	const uint8_t *code;
	const fescue_host *host;
	fescue_off size, error_at;
	uint8_t *pool, *pool_end;
	fescue_vm_type *types;
	fescue_vm_function *functions;
	fescue_vm_branch *branches;
	fescue_slot *globals;
	uint8_t *global_types;
	uint16_t *table; /* function numbers plus one */
	fescue_vm_segment *elements, *data;
	fescue_slot *stack, *stack_end;
	uint32_t memory_room, pages, pages_max;
	uint16_t type_count, import_count, function_count, branch_count, global_count;
	uint16_t table_size, element_count, data_count, declared_data, export_count, start;
	fescue_off exports;
	uint8_t has_memory, has_table, has_start, has_data_count, code_read;
};

/* Checks a module of size bytes and makes it ready. The module and the pool stay
 * in use until the next load. */
fescue_vm_status fescue_vm_load(fescue_vm *vm, const uint8_t *module, size_t size, void *pool, size_t pool_size,
                                const fescue_vm_options *o);

/* Writes the segments to memory and table, and runs the module's start function
 * if it has one. Once, behind load(); on fuel. */
fescue_trap fescue_vm_start(fescue_vm *vm);

/* The number of an exported function, or -1. */
int fescue_vm_export(const fescue_vm *vm, const char *name, size_t length);

/* Runs a function. args holds its parameters and takes its results; it may be
 * NULL where there are neither. */
fescue_trap fescue_vm_call(fescue_vm *vm, unsigned function, fescue_slot *args);

/* Tells whether a function has this type, written "ii:i" (i, I, f, F are i32, i64,
 * f32, f64; results behind the colon). The text is in FESCUE_ROM. */
int fescue_vm_type_is(const fescue_vm *vm, uint16_t type, const char *text);

/* Whether [at, at+n) lies within the module's memory. */
static inline int fescue_vm_within(const fescue_vm *vm, uint32_t at, uint32_t n)
{
	return n <= vm->memory_size && at <= vm->memory_size - n;
}

#endif
