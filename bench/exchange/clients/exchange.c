/* The link of side.c: the C SDK, as an application uses it. */
#include "fescue.h"
#include "side.h"

static char in[FESCUE_BUFFER(1 << 18)], out[FESCUE_BUFFER(1 << 16)];
static fescue_client client;
static fescue_topic topic;
static fescue_subscription subscription;

const size_t link_window = 0;

static void check(const char *what, int status) {
    if (status < 0) fail_with(what, client.error);
}

void link_open(int answers, size_t size) {
    static fescue_options options;
    (void)size;
    options.hold = 1;
    subscription.policy = FESCUE_BLOCK;
    subscription.queue = 4096;
    check("connect", fescue_connect(&client, in, sizeof in, out, sizeof out, &options));
    check("register", fescue_register(&client, &topic, answers ? BACK : THERE));
    check("subscribe", fescue_subscribe(&client, &subscription, answers ? THERE : BACK, NULL, NULL));
}

void link_send(const char *message, size_t size) { check("publish", fescue_publish(&client, &topic, message, size)); }

void link_flush(void) { check("flush", fescue_flush(&client)); }

size_t link_next(const char **message) {
    static fescue_message m;
    check("next", fescue_next(&client, &m, -1));
    *message = m.payload.data;
    return m.payload.size;
}
