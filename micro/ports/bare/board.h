/* What a bare board gives to main.c. */
#ifndef FESCUE_BOARD_H
#define FESCUE_BOARD_H

#include <stdint.h>

extern const char board_platform[]; /* "micro/…" */

void board_begin(void);
int board_get(void); /* the next byte of the serial line, -1: none has come */
void board_put(uint8_t b);
uint32_t board_millis(void);

/* Files and arguments of the emulator's host, by semihosting (semihost.c). */
int host_arguments(char *line, uint32_t size);
int host_open(const char *path, int mode); /* 3: read and write, 7: made anew */
int host_read(int file, uint32_t at, void *p, uint32_t n); /* 0: all of it */
int host_write(int file, uint32_t at, const void *p, uint32_t n);

#endif
