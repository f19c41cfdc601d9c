/* The two roles of a measurement, as ../side.go describes them. */
#include "side.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER (UINT64_C(1) << 63)
#define WINDOWS 4 /* may be unanswered */

static char *made; /* the message that is sent, or expected */
static size_t size;

_Noreturn void fail_with(const char *what, const char *why) {
    fprintf(stderr, "bench client: %s: %s\n", what, why);
    exit(1);
}

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put_number(char *p, uint64_t n) {
    int i;
    for (i = 0; i < 8; i++) p[i] = (char)(n >> (8 * i));
}

static uint64_t number_of(const char *p) {
    uint64_t n = 0;
    int i;
    for (i = 0; i < 8; i++) n |= (uint64_t)(uint8_t)p[i] << (8 * i);
    return n;
}

static const char *message(uint64_t n) {
    put_number(made, n);
    put_number(made + size - 8, n);
    return made;
}

/* Waits for the next message and verifies all of it: n, perhaps to be answered. */
static const char *expect(uint64_t n) {
    const char *got;
    size_t length = link_next(&got);
    uint64_t is = length == size ? number_of(got) : 0;
    if (length != size || (is & ~ANSWER) != n || memcmp(got, message(is), size) != 0) fail_with("a message", "is not the one that was due");
    return got;
}

static void answer(void) {
    uint64_t n;
    for (n = 0;; n++) {
        const char *got = expect(n);
        if (number_of(got) & ANSWER) {
            link_send(got, size);
            link_flush();
        }
    }
}

static int later(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t trips(uint64_t n, uint64_t count) {
    uint64_t *times = malloc(count * sizeof *times), i;
    if (times == NULL) fail_with("memory", "is out");
    for (i = 0; i < count; i++, n++) {
        uint64_t begin = now();
        link_send(message(n | ANSWER), size);
        link_flush();
        expect(n);
        times[i] = now() - begin;
    }
    qsort(times, count, sizeof *times, later);
    printf("%llu %llu\n", (unsigned long long)times[count / 2], (unsigned long long)times[count * 99 / 100]);
    free(times);
    return n;
}

static uint64_t flow(uint64_t n, uint64_t count) {
    uint64_t begin = now(), end = n + count, window = link_window / size + 1, asked[WINDOWS];
    unsigned unanswered = 0;
    for (; n < end; n++) {
        int due = n + 1 == end || (link_window > 0 && (end - n) % window == 0);
        link_send(message(due ? n | ANSWER : n), size);
        if (!due) continue;
        asked[unanswered++] = n;
        link_flush();
        if (unanswered == WINDOWS) {
            expect(asked[0]);
            memmove(asked, asked + 1, --unanswered * sizeof *asked);
        }
    }
    for (window = 0; window < unanswered; window++) expect(asked[window]);
    printf("%llu\n", (unsigned long long)(now() - begin));
    return n;
}

int main(int argc, char **argv) {
    char line[100];
    uint64_t n = 0, i;
    if (argc != 3 || (size = strtoul(argv[2], NULL, 10)) < 16) fail_with("usage", "ask|answer SIZE, of 16 bytes or more");
    if ((made = malloc(size)) == NULL) fail_with("memory", "is out");
    for (i = 0; i < size; i++) made[i] = (char)(i % 251);
    setvbuf(stdout, NULL, _IOLBF, 0);
    link_open(strcmp(argv[1], "answer") == 0, size);
    puts("ready");
    if (strcmp(argv[1], "answer") == 0) answer();
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strncmp(line, "trips ", 6) == 0) n = trips(n, strtoul(line + 6, NULL, 10));
        if (strncmp(line, "flow ", 5) == 0) n = flow(n, strtoul(line + 5, NULL, 10));
    }
    return 0;
}
