/* Semihosting: calls to the emulator, or to a debugger, by Arm's interface, which
 * RISC-V has taken over. It stands for the flash memory that a real board has. */
#include <string.h>

#include "board.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_SEEK = 0x0a, SYS_GET_CMDLINE = 0x15 };

static int call(int operation, void *block)
{
#if defined(__riscv)
	register int a0 __asm__("a0") = operation;
	register void *a1 __asm__("a1") = block;
	__asm__ volatile(".option push\n.option norvc\nslli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop" : "+r"(a0) : "r"(a1) : "memory");
	return a0;
#else
	register int r0 __asm__("r0") = operation;
	register void *r1 __asm__("r1") = block;
#if defined(__thumb__)
	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
#else
	__asm__ volatile("svc 0x123456" : "+r"(r0) : "r"(r1) : "memory", "lr");
#endif
	return r0;
#endif
}

int host_arguments(char *line, uint32_t size)
{
	uintptr_t block[2] = {(uintptr_t)line, size};
	return call(SYS_GET_CMDLINE, block);
}

int host_open(const char *path, int mode)
{
	uintptr_t block[3] = {(uintptr_t)path, (uintptr_t)mode, strlen(path)};
	return call(SYS_OPEN, block);
}

static int transfer(int operation, int file, uint32_t at, uintptr_t p, uint32_t n)
{
	uintptr_t seek[2] = {(uintptr_t)file, at}, block[3] = {(uintptr_t)file, p, n};
	return call(SYS_SEEK, seek) != 0 || call(operation, block) != 0;
}

int host_read(int file, uint32_t at, void *p, uint32_t n) { return transfer(SYS_READ, file, at, (uintptr_t)p, n); }
int host_write(int file, uint32_t at, const void *p, uint32_t n) { return transfer(SYS_WRITE, file, at, (uintptr_t)p, n); }
