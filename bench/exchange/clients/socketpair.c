/* The link of side.c: a socket pair that both sides inherit as descriptor 3. Nobody is between them, and there are no
 * frames: what the kernel takes at least. */
#include "side.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAIR = 3, BUFFER = 1 << 17 };

static char in[BUFFER], out[BUFFER];
static size_t length, begin, end, held;

const size_t link_window = 0;

void link_open(int answers, size_t size) {
    (void)answers;
    length = size;
    if (size > BUFFER) fail_with("socket pair", "messages have up to 128 KiB");
}

void link_flush(void) {
    size_t done = 0;
    while (done < held) {
        ssize_t n = write(PAIR, out + done, held - done);
        if (n < 0 && errno != EINTR) fail_with("write", strerror(errno));
        if (n > 0) done += (size_t)n;
    }
    held = 0;
}

void link_send(const char *message, size_t size) {
    memcpy(out + held, message, size);
    held += size;
    if (held + size > BUFFER / 2) link_flush();
}

size_t link_next(const char **message) {
    while (end - begin < length) {
        ssize_t n;
        if (begin + length > BUFFER || begin == end) {
            memmove(in, in + begin, end - begin);
            end -= begin;
            begin = 0;
        }
        n = read(PAIR, in + end, BUFFER - end);
        if (n == 0) exit(0);
        if (n < 0 && errno != EINTR) fail_with("read", strerror(errno));
        if (n > 0) end += (size_t)n;
    }
    *message = in + begin;
    begin += length;
    return length;
}
