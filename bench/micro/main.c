/* Runs each kernel natively and interpreted, and prints the processor's ticks of
 * both. Under -icount the emulator's ticks are instructions. */
#include <string.h>

#include "../../micro/core/fescue_vm.h"
#include "../../micro/ports/bare/board.h"

const char board_platform[] = "bench";
void line_interrupt(void) {} /* there is no line */
uint32_t fib(uint32_t n), sieve(uint32_t n), crc(uint32_t n), roots(uint32_t n);
extern const uint8_t module_begin[], module_end[];
__asm__(".section .rodata\n.global module_begin, module_end\nmodule_begin:\n.incbin \"" MODULE "\"\nmodule_end:\n.text");

static void host_call(int operation, const void *argument)
{
	register int r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = argument;
	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(const char *s) { host_call(0x04, s); }

static void number(uint32_t v)
{
	char text[12];
	int at = sizeof text - 1;
	text[at] = 0;
	do
		text[--at] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	text[--at] = ' ';
	print(text + at);
}

/* The CMSDK timer counts down at 25 MHz. */
static volatile uint32_t *const timer = (volatile uint32_t *)0x40000000;

static uint32_t native(uint32_t (*kernel)(uint32_t), uint32_t n, uint32_t *result)
{
	uint32_t begin = timer[1];
	*result = kernel(n);
	return begin - timer[1];
}

static void measure(fescue_vm *vm, const char *name, uint32_t (*kernel)(uint32_t), uint32_t n)
{
	uint32_t want, ticks = native(kernel, n, &want);
	fescue_slot arg;
	arg.i32 = n;
	vm->fuel = 0xffffffff;
	uint32_t begin = timer[1];
	fescue_trap trap = fescue_vm_call(vm, (unsigned)fescue_vm_export(vm, name, strlen(name)), &arg);
	uint32_t interpreted = begin - timer[1];
	print(name);
	number(ticks);
	number(interpreted);
	print(trap == FESCUE_TRAP_NONE && arg.i32 == want ? " ok\n" : " WRONG\n");
}

int main(void)
{
	static uint8_t pool[8192] __attribute__((aligned(8)));
	static fescue_vm vm;
	fescue_vm_options o = {.stack = 2048};
	timer[2] = 0xffffffff;
	timer[1] = 0xffffffff;
	timer[0] = 1;
	uint32_t begin = timer[1];
	if (fescue_vm_load(&vm, module_begin, (size_t)(module_end - module_begin), pool, sizeof pool, &o) != FESCUE_VM_OK)
		print("refused\n");
	uint32_t load = begin - timer[1];
	fescue_vm_start(&vm);
	measure(&vm, "fib", fib, 20);
	measure(&vm, "sieve", sieve, 1024);
	measure(&vm, "crc", crc, 2000);
	measure(&vm, "roots", roots, 1000);
	print("load");
	number((uint32_t)(module_end - module_begin));
	number(load);
	print(" ok\n");
	host_call(0x18, (void *)0x20026); /* the end */
	return 0;
}
