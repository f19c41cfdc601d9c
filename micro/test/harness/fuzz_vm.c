/* Fuzzing of the loader and the machine: a module of any bytes is refused, or runs
 * within its pool. The pool has exactly its size, so that the sanitizer sees a
 * step beyond it. */
#include <stdlib.h>

#include "../../core/fescue_vm.h"

static int resolve(const fescue_vm *vm, const fescue_import *import)
{
	(void)vm;
	return import->name_length & 1 ? -1 : 0;
}

static fescue_trap call(fescue_vm *vm, unsigned number, fescue_slot *args)
{
	(void)vm, (void)number, (void)args;
	return FESCUE_TRAP_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const fescue_host host = {resolve, call};
	fescue_vm vm;
	size_t pool_size = 4096 + size % 7;
	uint8_t *pool = malloc(pool_size), *module = malloc(size + 1);
	for (size_t i = 0; i < size; i++)
		module[i] = data[i];
	fescue_vm_options o = {.host = &host, .stack = 512};
	if (fescue_vm_load(&vm, module, size, pool, pool_size, &o) == FESCUE_VM_OK) {
		vm.fuel = 20000;
		if (fescue_vm_start(&vm) == FESCUE_TRAP_NONE) {
			for (unsigned f = 0; f < vm.function_count && f < 8; f++) {
				vm.fuel = 20000;
				fescue_slot args[256] = {{0}};
				fescue_vm_call(&vm, f, args);
			}
		}
	}
	free(module);
	free(pool);
	return 0;
}
