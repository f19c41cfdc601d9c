	.section .start, "ax"
	.global _start
_start:
	la sp, __stack
	la a0, __bss_begin
	la a1, __bss_end
1:	bgeu a0, a1, 2f
	sw zero, 0(a0)
	addi a0, a0, 4
	j 1b
2:	call main
3:	j 3b

	/* The handler's address; external interrupts, and interrupts at all. */
	.option arch, +zicsr
	.global interrupts_begin
interrupts_begin:
	csrw mtvec, a0
	li a0, 1 << 11
	csrs mie, a0
	csrsi mstatus, 8
	ret
