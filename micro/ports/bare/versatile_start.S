/* The emulator has put everything in memory: a stack, zeros, and main. The vectors are at
 * 0, where memory is; interrupts have a stack of their own. */
	.section .start, "ax"
	.arm
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

	.global interrupts_begin
interrupts_begin:
	mov r0, #0
	ldr r1, vector
	str r1, [r0, #0x18]
	ldr r1, =interrupt
	str r1, [r0, #0x38]
	msr cpsr_c, #0xd2 /* the mode of interrupts */
	ldr sp, =interrupt_stack_end
	msr cpsr_c, #0x53 /* the supervisor's again, in which interrupts come */
	bx lr
vector:
	ldr pc, [pc, #0x18]

interrupt:
	sub lr, lr, #4
	push {r0-r3, r12, lr}
	bl line_interrupt
	ldm sp!, {r0-r3, r12, pc}^

	.bss
	.align 3
	.space 512
interrupt_stack_end:
