/* The function that test_worker.py has called: does what the event says. */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "fescue.h"

static char in[FESCUE_BUFFER(1 << 20)], out[FESCUE_BUFFER(8192)], big[(1 << 20) + 1];

static int begins(fescue_view v, const char *word) { return v.size >= strlen(word) && memcmp(v.data, word, strlen(word)) == 0; }

static void wait_for_cancel(fescue_client *c, const fescue_message *m) {
    int i;
    for (i = 0; i < 1000 && !fescue_cancelled(c, m); i++) poll(NULL, 0, 5);
    fescue_publish_to(c, "t/cancelled", i < 1000 ? "yes" : "no", i < 1000 ? 3 : 2);
}

static void publish(fescue_client *c, const fescue_message *m) {
    char topic[100];
    int status;
    snprintf(topic, sizeof topic, "%.*s", (int)m->payload.size - 8, m->payload.data + 8);
    status = fescue_publish_to(c, topic, "published", 9);
    if (status < 0) fescue_fail(c, m, fescue_status_name(status), c->error);
}

static void invoke(fescue_client *c, const fescue_message *m) {
    char name[100], answer[16];
    long size;
    snprintf(name, sizeof name, "%.*s", (int)m->payload.size - 7, m->payload.data + 7);
    size = fescue_invoke(c, name, "3", 1, answer, sizeof answer, 5000);
    if (size < 0) fescue_fail(c, m, fescue_status_name((int)size), c->error);
    else fescue_reply(c, m, answer, (size_t)size);
}

static void handle(fescue_client *c, const fescue_message *m, void *user) {
    (void)user;
    if (begins(m->payload, "echo ")) fescue_reply(c, m, m->payload.data + 5, m->payload.size - 5);
    else if (begins(m->payload, "topic")) fescue_reply(c, m, m->topic.data, m->topic.size);
    else if (begins(m->payload, "type")) {
        fescue_view type = fescue_attribute(m, "type");
        fescue_reply(c, m, type.data, type.size);
    } else if (begins(m->payload, "fail ")) fescue_fail(c, m, "ValueError", "as it was told to");
    else if (begins(m->payload, "publish ")) publish(c, m);
    else if (begins(m->payload, "invoke ")) invoke(c, m);
    else if (begins(m->payload, "log")) fescue_log(c, 2, "from the handler");
    else if (begins(m->payload, "cancel")) wait_for_cancel(c, m);
    else if (begins(m->payload, "large ")) fescue_reply(c, m, big, sizeof big - 1);
    else if (begins(m->payload, "larger")) fescue_reply(c, m, big, sizeof big);
}

int main(void) {
    static fescue_client c;
    return fescue_serve(&c, in, sizeof in, out, sizeof out, handle, NULL);
}
