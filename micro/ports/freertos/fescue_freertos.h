/* The agent as a task of FreeRTOS: docs/how-to/microkernels.md. */
#ifndef FESCUE_FREERTOS_H
#define FESCUE_FREERTOS_H

#include "../task/task.h"

#include "FreeRTOS.h"
#include "stream_buffer.h"

/* The line: what the UART's interrupt receives goes to this stream buffer by
 * xStreamBufferSendFromISR(); what is sent is written by the function. */
typedef struct {
	StreamBufferHandle_t received;
	void (*write)(const uint8_t *p, uint16_t n);
	uint32_t start; /* see fescue_task */
	const char *id;
	const uint8_t *key;
#if FESCUE_SIGNATURES
	const uint8_t *sign_key;
#endif
} fescue_freertos;

/* The task's function, for xTaskCreate(); its parameter is a fescue_freertos that stays.
 * It needs a stack of 2 KB. */
void fescue_freertos_task(void *parameter);

#endif
