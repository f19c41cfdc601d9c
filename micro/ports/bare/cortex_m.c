/* Start of a Cortex-M3, and its tick: a millisecond each. */
#include <stdint.h>

#include "board.h"
#include "cortex_m.h"

extern uint32_t __data_load, __data_begin, __data_end, __bss_begin, __bss_end, __stack;
int main(void);

static volatile uint32_t ticks;

static void tick(void) { ticks++; }

static void stop(void)
{
	for (;;)
		;
}

void reset(void);
void reset(void)
{
	uint32_t *from = &__data_load;
	for (uint32_t *to = &__data_begin; to < &__data_end;)
		*to++ = *from++;
	for (uint32_t *to = &__bss_begin; to < &__bss_end;)
		*to++ = 0;
	main();
	stop();
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16 + 32])(void) = {
	(void (*)(void))&__stack, reset, stop, stop, stop, stop, stop, 0, 0, 0, 0, stop, stop, 0, stop, tick, [16 ... 47] = line_interrupt};

void interrupt_enable(uint8_t number, uint8_t on)
{
	volatile uint32_t *set = (volatile uint32_t *)0xe000e100, *clear = (volatile uint32_t *)0xe000e180;
	*(on ? set : clear) = 1u << number;
}

uint32_t board_millis(void) { return ticks; }

void systick_begin(uint32_t cycles_per_millisecond)
{
	volatile uint32_t *systick = (volatile uint32_t *)0xe000e010;
	systick[1] = cycles_per_millisecond - 1;
	systick[2] = 0;
	systick[0] = 7; /* the processor's clock, interrupt, on */
}
