/* An application of the benchmark: `member NAME TOPICS`. It subscribes to scale/NAME/K for each even K below TOPICS and to
 * scale/NAME/K/+ for each odd one, says "ready" on scale/got/NAME, and answers each message there with the message's topic, a
 * space, and its payload; the one called "echo" on ECHO. The one called "probe" obeys some payloads instead:
 *
 *     trips N   N round trips to the member "echo"; the answer is their median and 99th percentile in nanoseconds
 *     mqtt N    a message to each of the MQTT clients 0 to N-1
 */
#include "fescue.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ECHO "scale/back" /* where the member of this name answers: nobody else listens there */

enum { TEXT = 200, MOST = 100 };

static char in[FESCUE_BUFFER(1 << 14)], out[FESCUE_BUFFER(1 << 12)];
static fescue_client client;
static fescue_topic readies, answers, pings;
static fescue_subscription subscriptions[MOST], echoes;
static char filters[MOST][TEXT], own[TEXT];

static void check(const char *what, int status) {
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", what, client.error);
        exit(status == FESCUE_STOPPED ? 0 : 1);
    }
}

static int later(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void answer(const char *text, size_t size) { check("publish", fescue_publish(&client, &answers, text, size)); }

static int is(const char *name) { return strcmp(own + strlen("scale/got/"), name) == 0; }

static void trips(long count) {
    uint64_t *times = malloc((size_t)count * sizeof *times);
    char ping[128], text[TEXT];
    fescue_message m;
    long i;
    if (times == NULL) exit(1);
    memset(ping, '.', sizeof ping);
    for (i = 0; i < count; i++) {
        uint64_t begin = now();
        memcpy(ping, &i, sizeof i);
        check("publish", fescue_publish(&client, &pings, ping, sizeof ping));
        check("next", fescue_next(&client, &m, -1));
        times[i] = now() - begin;
        if (m.subscription != &echoes || m.payload.size < sizeof ping || memcmp(m.payload.data + m.payload.size - sizeof ping, ping, sizeof ping) != 0) {
            fputs("another message than the echo came\n", stderr);
            exit(1);
        }
    }
    qsort(times, (size_t)count, sizeof *times, later);
    snprintf(text, sizeof text, "trips %llu %llu", (unsigned long long)times[count / 2], (unsigned long long)times[count * 99 / 100]);
    free(times);
    answer(text, strlen(text));
}

static void tell_mqtt(long count) {
    char topic[TEXT];
    long i;
    for (i = 0; i < count; i++) {
        snprintf(topic, sizeof topic, "scale/mqtt/%ld", i);
        check("publish", fescue_publish_to(&client, topic, topic, strlen(topic)));
    }
}

static void heard(const fescue_message *m) {
    static char text[2 * TEXT];
    size_t size = m->topic.size + 1 + m->payload.size;
    if (size > sizeof text) return;
    if (is("probe")) {
        snprintf(text, sizeof text, "%.*s", FESCUE_PRINT(m->payload));
        if (strncmp(text, "trips ", 6) == 0) {
            trips(atol(text + 6));
            return;
        }
        if (strncmp(text, "mqtt ", 5) == 0) {
            tell_mqtt(atol(text + 5));
            return;
        }
    }
    memcpy(text, m->topic.data, m->topic.size);
    text[m->topic.size] = ' ';
    memcpy(text + m->topic.size + 1, m->payload.data, m->payload.size);
    answer(text, size);
}

int main(int argc, char **argv) {
    int i, count = argc == 3 ? atoi(argv[2]) : 0;
    fescue_message m;
    if (count < 1 || count > MOST) return fputs("usage: member NAME TOPICS\n", stderr), 2;
    check("connect", fescue_connect(&client, in, sizeof in, out, sizeof out, NULL));
    snprintf(own, sizeof own, "scale/got/%s", argv[1]);
    check("register", fescue_register(&client, &readies, own));
    check("register", fescue_register(&client, &answers, is("echo") ? ECHO : own));
    for (i = 0; i < count; i++) {
        snprintf(filters[i], TEXT, "scale/%s/%d%s", argv[1], i, i % 2 == 0 ? "" : "/+");
        check("subscribe", fescue_subscribe(&client, &subscriptions[i], filters[i], NULL, NULL));
    }
    if (is("probe")) {
        check("subscribe", fescue_subscribe(&client, &echoes, ECHO, NULL, NULL));
        check("register", fescue_register(&client, &pings, "scale/echo/0"));
    }
    check("publish", fescue_publish(&client, &readies, "ready", 5));
    for (;;) {
        check("next", fescue_next(&client, &m, -1));
        if (m.subscription != &echoes) heard(&m);
    }
}
