/* The emulator has put everything in memory: a stack, zeros, and main. */
	.section .start, "ax"
	.global _start
_start:
	ldr sp, =__stack
	ldr r0, =__bss_begin
	ldr r1, =__bss_end
	mov r2, #0
1:	cmp r0, r1
	strlo r2, [r0], #4
	blo 1b
	bl main
2:	b 2b
