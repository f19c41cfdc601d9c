/* The agent as a thread of Embedded Xinu: docs/how-to/microkernels.md.
 *
 *     ready(create((void *)fescue_xinu, 8192, INITPRIO, "fescue", 2, UART1, "board-1"), RESCHED_YES);
 *
 * The device is a UART of its own; the console stays what it is. */
#include <clock.h>
#include <device.h>
#include <thread.h>
#include <uart.h>

#include "../task/task.h"

enum { PAUSE = 2 }; /* ms between two looks at a line on which nothing comes */

static uint16_t read_line(void *context, uint8_t *p, uint16_t n)
{
	int count = read((int)(intptr_t)context, p, n);
	if (count <= 0)
		sleep(PAUSE);
	return count > 0 ? (uint16_t)count : 0;
}

static void write_line(void *context, const uint8_t *p, uint16_t n) { write((int)(intptr_t)context, p, n); }

static uint32_t millis(void *context)
{
	(void)context;
	return (uint32_t)((uint64_t)clkticks * (1000 / CLKTICKS_PER_SEC) + (uint64_t)clktime * 1000);
}

/* The thread. start is made of the time, which differs from one start to the next
 * only where there is a clock that goes on: without one give no key. */
thread fescue_xinu(int device, const char *id)
{
	fescue_task task = {.context = (void *)(intptr_t)device, .read = read_line, .write = write_line, .millis = millis, .start = (uint32_t)clktime,
	                    .line = FESCUE_SERIAL, .id = id, .platform = "micro/xinu"};
	control(device, UART_CTRL_SET_IFLAG, UART_IFLAG_NOBLOCK, 0);
	fescue_task_run(&task);
	return 0;
}
