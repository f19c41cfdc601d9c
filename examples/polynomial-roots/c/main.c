/* The roots of polynomials on Fescue: a function when the agent calls it for each event, else a service. */
#include <stdio.h>
#include <stdlib.h>

#include <fescue.h>

#include "roots.h"

static char in[FESCUE_BUFFER(65536)], out[FESCUE_BUFFER(65536)], text[65536];

static void call(fescue_client *c, const fescue_message *m, void *user) {
    (void)user;
    fescue_reply(c, m, text, answer(m->payload.data, m->payload.size, text, sizeof text));
}

static void request_came(fescue_client *c, const fescue_message *m, void *user) {
    fescue_topic *roots = user;
    if (fescue_publish(c, roots, text, answer(m->payload.data, m->payload.size, text, sizeof text)) < 0) fprintf(stderr, "%s\n", c->error);
}

static int serve(fescue_client *c) {
    static fescue_subscription requests = {.policy = FESCUE_BLOCK};
    static fescue_topic roots;
    int status = fescue_connect(c, in, sizeof in, out, sizeof out, NULL);
    if (status == FESCUE_OK) status = fescue_register(c, &roots, "poly/roots");
    if (status == FESCUE_OK) status = fescue_subscribe(c, &requests, "poly/request", request_came, &roots);
    if (status == FESCUE_OK) {
        printf("computing roots on %s\n", c->device);
        fflush(stdout);
        status = fescue_run(c);
    }
    if (status < 0) fprintf(stderr, "%s\n", c->error);
    return status < 0;
}

int main(void) {
    static fescue_client c;
    if (getenv("FESCUE_WORKER_FD") != NULL) return fescue_serve(&c, in, sizeof in, out, sizeof out, call, NULL);
    return serve(&c);
}
