/* The link of side.c: a stream socket, to relay.c at the path in BENCH_RELAY, or else to the other side itself, a pair
 * that both inherit as descriptor 3. There are no frames: what the kernel takes at least. */
#include "side.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAIR = 3, BUFFER = 1 << 17 };

static char in[BUFFER], out[BUFFER];
static size_t length, begin, end, held;
static int peer = PAIR;

const size_t link_window = 0;

static void connect_to(const char *path) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) fail_with("relay", "its path is too long");
    strcpy(address.sun_path, path);
    peer = socket(AF_UNIX, SOCK_STREAM, 0);
    if (peer < 0 || connect(peer, (struct sockaddr *)&address, sizeof address) != 0) fail_with("relay", strerror(errno));
}

void link_open(int answers, size_t size) {
    (void)answers;
    length = size;
    if (size > BUFFER) fail_with("socket", "messages have up to 128 KiB");
    if (getenv("BENCH_RELAY") != NULL) connect_to(getenv("BENCH_RELAY"));
}

void link_flush(void) {
    size_t done = 0;
    while (done < held) {
        ssize_t n = write(peer, out + done, held - done);
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
        n = read(peer, in + end, BUFFER - end);
        if (n == 0) exit(0);
        if (n < 0 && errno != EINTR) fail_with("read", strerror(errno));
        if (n > 0) end += (size_t)n;
    }
    *message = in + begin;
    begin += length;
    return length;
}
