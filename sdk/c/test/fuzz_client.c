/* A whole client, as a function's worker with small buffers, against a broker that sends whatever the fuzzer thinks of and
 * goes away. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fescue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void quiet(void *user, int status, const char *text) {
    (void)user;
    if (status >= 0 || strlen(text) >= 400) abort();
}

/* Uses the client while it looks at a message, and checks that the message stays as it is. */
static void handle(fescue_client *c, const fescue_message *m, void *user) {
    static fescue_topic topic;
    static char before[4096];
    size_t n = m->payload.size < sizeof before ? m->payload.size : sizeof before;
    (void)user;
    c->options.on_error = quiet;
    memcpy(before, m->payload.data, n);
    fescue_attribute(m, "subject");
    memset(&topic, 0, sizeof topic);
    if (fescue_register(c, &topic, "t/x") == FESCUE_OK) fescue_publish(c, &topic, "x", 1);
    fescue_cancelled(c, m);
    fescue_keys(c, "#", NULL, NULL);
    fescue_get(c, "k", NULL, 0, NULL);
    if (memcmp(before, m->payload.data, n) != 0) abort();
    if (m->payload.size % 2 == 1) fescue_fail(c, m, "Odd", "a number that is not even");
    c->topics = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char in[FESCUE_BUFFER(64) - 9000], out[2600];
    static fescue_client c;
    char number[16];
    int ends[2];
    if (size > 60000 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 0;
    if (write(ends[0], data, size) != (ssize_t)size) abort();
    shutdown(ends[0], SHUT_WR);
    snprintf(number, sizeof number, "%d", ends[1]);
    setenv("FESCUE_WORKER_FD", number, 1);
    fescue_serve(&c, in, sizeof in, out, sizeof out, handle, NULL);
    close(ends[0]);
    return 0;
}
