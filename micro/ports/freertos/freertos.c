#include "fescue_freertos.h"

#include "task.h" /* of FreeRTOS */

enum { WAIT = 5 }; /* ms that a read waits */

static uint16_t read_line(void *context, uint8_t *p, uint16_t n)
{
	const fescue_freertos *f = context;
	TickType_t wait = pdMS_TO_TICKS(WAIT);
	return (uint16_t)xStreamBufferReceive(f->received, p, n, wait > 0 ? wait : 1);
}

static void write_line(void *context, const uint8_t *p, uint16_t n)
{
	const fescue_freertos *f = context;
	f->write(p, n);
}

static uint32_t millis(void *context)
{
	(void)context;
	return (uint32_t)((uint64_t)xTaskGetTickCount() * 1000 / configTICK_RATE_HZ);
}

void fescue_freertos_task(void *parameter)
{
	const fescue_freertos *f = parameter;
	static fescue_task task;
	task = (fescue_task){.context = parameter, .read = read_line, .write = write_line, .millis = millis, .start = f->start,
	                     .line = FESCUE_SERIAL, .id = f->id, .platform = "micro/freertos", .key = f->key};
#if FESCUE_SIGNATURES
	task.sign_key = f->sign_key;
#endif
	fescue_task_run(&task);
}
