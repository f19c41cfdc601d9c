/* One side of a measurement, in C. side.c plays the two roles, over what one of exchange.c, mqtt.c and
 * socketpair.c defines. */
#ifndef SIDE_H
#define SIDE_H

#include <stddef.h>

#define THERE "bench/there" /* from the side that asks */
#define BACK "bench/back"

/* How many bytes may be under way before the asking side waits for an answer; 0 where the link itself holds a
 * publisher back. */
extern const size_t link_window;

/* Each tells on stderr what failed, and ends the program. */
void link_open(int answers, size_t size);
void link_send(const char *message, size_t size); /* now or together with the next ones */
void link_flush(void);
size_t link_next(const char **message); /* waits; good until the next call */

_Noreturn void fail_with(const char *what, const char *why);

#endif
