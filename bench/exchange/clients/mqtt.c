/* The link of side.c: libmosquitto, QoS 0, in one thread. BENCH_MQTT is HOST:PORT of the broker, BENCH_USER and
 * BENCH_PASSWORD the login, if it wants one. */
#include "side.h"

#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEEPALIVE = 60, PATIENCE_MS = 60000, MOST = 1 << 17, QUEUED = 1 << 23 };

static struct mosquitto *client;
static const char *out_topic, *in_topic;
static int subscribed;
/* What came and was not asked for yet; the library gives all that it has read. */
static char *queue, *current;
static size_t length, first, filled;

const size_t link_window = 1 << 18;

static void check(const char *what, int status) {
    if (status != MOSQ_ERR_SUCCESS) fail_with(what, mosquitto_strerror(status));
}

static void on_connect(struct mosquitto *m, void *user, int code) {
    (void)user;
    if (code != 0) fail_with("connect", mosquitto_connack_string(code));
    check("subscribe", mosquitto_subscribe(m, NULL, in_topic, 0));
}

static void on_subscribe(struct mosquitto *m, void *user, int id, int count, const int *granted) {
    (void)m;
    (void)user;
    (void)id;
    if (count != 1 || granted[0] > 2) fail_with("subscribe", "it was refused");
    subscribed = 1;
}

static void on_message(struct mosquitto *m, void *user, const struct mosquitto_message *message) {
    (void)m;
    (void)user;
    if ((size_t)message->payloadlen != length) fail_with("a message", "has another size");
    if (filled + length > QUEUED) fail_with("the queue", "is full");
    memcpy(queue + filled, message->payload, length);
    filled += length;
}

static void turn(void) { check("loop", mosquitto_loop(client, PATIENCE_MS, 1)); }

static const char *text(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value == NULL ? otherwise : value;
}

void link_open(int answers, size_t size) {
    char host[100];
    int port;
    if (sscanf(text("BENCH_MQTT", ""), "%99[^:]:%d", host, &port) != 2) fail_with("BENCH_MQTT", "is not HOST:PORT");
    out_topic = answers ? BACK : THERE;
    in_topic = answers ? THERE : BACK;
    length = size;
    if ((queue = malloc(QUEUED)) == NULL || (current = malloc(size)) == NULL) fail_with("memory", "is out");
    mosquitto_lib_init();
    if ((client = mosquitto_new(answers ? "bench-answer" : "bench-ask", true, NULL)) == NULL) fail_with("mosquitto_new", "failed");
    if (getenv("BENCH_USER") != NULL) check("login", mosquitto_username_pw_set(client, getenv("BENCH_USER"), text("BENCH_PASSWORD", "")));
    check("no delay", mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1));
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_subscribe_callback_set(client, on_subscribe);
    mosquitto_message_callback_set(client, on_message);
    check("connect", mosquitto_connect(client, host, port, KEEPALIVE));
    while (!subscribed) turn();
}

void link_send(const char *message, size_t size) {
    check("publish", mosquitto_publish(client, NULL, out_topic, (int)size, message, 0, false));
    while (mosquitto_want_write(client)) turn();
}

void link_flush(void) {}

size_t link_next(const char **message) {
    while (first == filled) {
        first = filled = 0;
        turn();
    }
    memcpy(current, queue + first, length);
    first += length;
    *message = current;
    return length;
}
