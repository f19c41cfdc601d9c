#include "FreeRTOS.h"
typedef struct StreamBufferDef_t *StreamBufferHandle_t;
size_t xStreamBufferReceive(StreamBufferHandle_t buffer, void *data, size_t length, TickType_t wait);
