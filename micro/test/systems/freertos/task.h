#include "FreeRTOS.h"
TickType_t xTaskGetTickCount(void);
