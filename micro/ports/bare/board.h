/* What a bare board gives to main.c. */
#ifndef FESCUE_BOARD_H
#define FESCUE_BOARD_H

#include <stdint.h>

extern const char board_platform[]; /* "micro/…" */

void board_begin(void);
void board_put(uint8_t b); /* to the serial line */
uint32_t board_millis(void);

/* The UART's next byte, -1: none has come; and whether it interrupts for those that come. */
int board_take(void);
void board_listen(uint8_t on);

/* What the interrupt has received (line.c): the next byte, -1: none. The board's handler
 * calls line_interrupt. */
int line_get(void);
void line_interrupt(void);

/* An operation on a pin, as fescue_port has it; NULL: the board has none. */
typedef int32_t board_pins(void *context, uint8_t operation, uint32_t pin, uint32_t value);
extern board_pins *const board_pin;

/* Ethernet, if there is any: begins and gives the controller's address, sends a frame,
 * takes the next one, of at most ETHERNET_MOST bytes (0: none has come). */
enum { ETHERNET_MOST = 1514 };
void ethernet_begin(uint8_t address[6]);
void ethernet_send(const uint8_t *frame, uint16_t n);
uint16_t ethernet_take(uint8_t frame[ETHERNET_MOST]);

/* Files and arguments of the emulator's host, by semihosting (semihost.c). */
int host_arguments(char *line, uint32_t size);
int host_open(const char *path, int mode); /* 3: read and write, 7: made anew */
int host_read(int file, uint32_t at, void *p, uint32_t n); /* 0: all of it */
int host_write(int file, uint32_t at, const void *p, uint32_t n);

#endif
