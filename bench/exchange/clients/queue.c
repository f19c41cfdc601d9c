/* The link of side.c: message queues to and from relay.c, whose names' beginning is in BENCH_RELAY. There are no frames: what
 * the kernel takes at least. */
#include "side.h"

#include <errno.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 8192, BUFFER = 1 << 17 };

static char in[BUFFER], out[CHUNK];
static size_t length, begin, end, held;
static mqd_t to, from;

const size_t link_window = 0;

static mqd_t open_queue(int number, int flags) {
    char name[120];
    mqd_t q;
    snprintf(name, sizeof name, "%s-%d", getenv("BENCH_RELAY"), number);
    if ((q = mq_open(name, flags)) < 0) fail_with("mq_open", strerror(errno));
    return q;
}

void link_open(int answers, size_t size) {
    length = size;
    if (size > BUFFER / 2) fail_with("message queues", "messages have up to 64 KiB");
    to = open_queue(answers, O_WRONLY);
    from = open_queue(2 + answers, O_RDONLY);
}

void link_flush(void) {
    if (held > 0 && mq_send(to, out, held, 0) != 0) fail_with("mq_send", strerror(errno));
    held = 0;
}

void link_send(const char *message, size_t size) {
    while (size > 0) {
        size_t n = size < CHUNK - held ? size : CHUNK - held;
        memcpy(out + held, message, n);
        held += n;
        message += n;
        size -= n;
        if (held == CHUNK) link_flush();
    }
}

size_t link_next(const char **message) {
    while (end - begin < length) {
        ssize_t n;
        if (end + CHUNK > BUFFER || begin == end) {
            memmove(in, in + begin, end - begin);
            end -= begin;
            begin = 0;
        }
        if ((n = mq_receive(from, in + end, CHUNK, NULL)) < 0) fail_with("mq_receive", strerror(errno));
        end += (size_t)n;
    }
    *message = in + begin;
    begin += length;
    return length;
}
