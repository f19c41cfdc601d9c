/* The virtual machine as a process, for tests: commands on stdin, one answer
 * line each on stdout.
 *
 *     load SIZE MEMORY\n and the bytes  ok | refused STATUS OFFSET | trap KIND
 *     call FUEL NAME ARGUMENT…         ok RESULT… | trap KIND FUNCTION | missing
 *     memory                          ok SIZE FNV-HASH
 *
 * Names and values are hexadecimal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../core/fescue_vm.h"

#define POOL ((size_t)64 << 20)

static const char *const spectest[][2] = {{"print", ":"}, {"print_i32", "i:"}, {"print_i64", "I:"}, {"print_f32", "f:"},
                                          {"print_f64", "F:"}, {"print_i32_f32", "if:"}, {"print_f64_f64", "FF:"}};

static int resolve(const fescue_vm *vm, const fescue_import *im)
{
	if (im->module_length != 8 || memcmp(im->module, "spectest", 8) != 0)
		return -1;
	for (size_t i = 0; i < sizeof spectest / sizeof *spectest; i++)
		if (im->name_length == strlen(spectest[i][0]) && memcmp(im->name, spectest[i][0], im->name_length) == 0)
			return fescue_vm_type_is(vm, im->type, spectest[i][1]) ? (int)i : -1;
	return -1;
}

static fescue_trap print(fescue_vm *vm, unsigned number, fescue_slot *args)
{
	(void)vm, (void)number, (void)args;
	return FESCUE_TRAP_NONE;
}

static const fescue_host host = {resolve, print};

/* The rest of the line, as words. */
static int words(char *line, char **word, int most)
{
	int n = 0;
	for (char *w = strtok(line, " \n"); w != NULL && n < most; w = strtok(NULL, " \n"))
		word[n++] = w;
	return n;
}

static uint64_t bits(const fescue_slot *s, uint8_t type)
{
#if FESCUE_VM_INT64
	return type == 0x7f || type == 0x7d ? s->i32 : s->i64;
#else
	(void)type;
	return s->i32;
#endif
}

static void call(fescue_vm *vm, char **word, int n)
{
	static fescue_slot args[256];
	char name[4096];
	size_t length = strlen(word[2]) / 2;
	for (size_t i = 0; i < length && i < sizeof name; i++) {
		char digits[3] = {word[2][2 * i], word[2][2 * i + 1], 0};
		name[i] = (char)strtoul(digits, NULL, 16);
	}
	int f = fescue_vm_export(vm, name, word[2][0] == '-' ? 0 : length);
	if (f < 0) {
		puts("missing");
		return;
	}
	memset(args, 0, sizeof args);
	for (int i = 3; i < n; i++) {
		uint64_t v = strtoull(word[i], NULL, 16);
		memcpy(&args[i - 3], &v, sizeof args[0] < sizeof v ? sizeof args[0] : sizeof v);
	}
	vm->fuel = (uint32_t)strtoul(word[1], NULL, 10);
	fescue_trap trap = fescue_vm_call(vm, (unsigned)f, args);
	if (trap != FESCUE_TRAP_NONE) {
		printf("trap %d %u\n", trap, vm->trap_function);
		return;
	}
	const fescue_vm_type *t = &vm->types[vm->functions[f].type];
	printf("ok");
	for (int i = 0; i < t->result_count; i++)
		printf(" %llx", (unsigned long long)bits(&args[i], vm->code[t->results + i]));
	putchar('\n');
}

static uint8_t *load(fescue_vm *vm, void *pool, uint8_t *old, size_t size, uint32_t memory)
{
	free(old);
	/* Exactly as many bytes as there are, so that a read beyond them is seen. */
	uint8_t *module = malloc(size ? size : 1);
	if (fread(module, 1, size, stdin) != size)
		exit(1);
	fescue_vm_options o = {.host = &host, .stack = 256 << 10, .memory = memory};
	fescue_vm_status status = fescue_vm_load(vm, module, size, pool, POOL, &o);
	vm->fuel = 1000000;
	fescue_trap trap = status == FESCUE_VM_OK ? fescue_vm_start(vm) : FESCUE_TRAP_NONE;
	if (status != FESCUE_VM_OK)
		printf("refused %d %u\n", status, (unsigned)vm->error_at);
	else if (trap != FESCUE_TRAP_NONE)
		printf("trap %d\n", trap);
	else
		puts("ok");
	return module;
}

int main(void)
{
	static char line[1 << 16];
	static fescue_vm vm;
	void *pool = malloc(POOL);
	uint8_t *module = NULL;
	char *word[300];
	while (fgets(line, sizeof line, stdin) != NULL) {
		int n = words(line, word, 300);
		if (n == 3 && strcmp(word[0], "load") == 0) {
			module = load(&vm, pool, module, strtoul(word[1], NULL, 10), (uint32_t)strtoul(word[2], NULL, 10));
		} else if (n >= 3 && strcmp(word[0], "call") == 0) {
			call(&vm, word, n);
		} else if (n == 1 && strcmp(word[0], "memory") == 0) {
			uint64_t hash = 0xcbf29ce484222325u;
			for (uint32_t i = 0; i < vm.memory_size; i++)
				hash = (hash ^ vm.memory[i]) * 0x100000001b3u;
			printf("ok %x %llx\n", (unsigned)vm.memory_size, (unsigned long long)hash);
		} else {
			puts("what?");
		}
		fflush(stdout);
	}
	free(module);
	free(pool);
	return 0;
}
