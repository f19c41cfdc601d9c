/* For test_codec.py: reads lines "client|broker HEX" and prints for each what the frame's fields are, and the frame
 * written anew from them; "skipped", or "malformed". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fescue.h"

static void text(const char *name, fescue_view v) {
    size_t i;
    printf(" %s=", name);
    for (i = 0; i < v.size; i++) printf("%02x", (unsigned)(unsigned char)v.data[i]);
}

static void number(const char *name, uint64_t n) { printf(" %s=%" PRIu64, name, n); }

static void show(const fescue_frame *f, size_t size) {
    /* Of exactly the frame's size, so that the sanitizer sees a byte too much. */
    char *again = malloc(size);
    fescue_view v;
    v.data = again;
    v.size = fescue_encode(f, again, size);
    if (size > FESCUE_HEADER && fescue_encode(f, again, size - 1) != 0) exit(2);
    fescue_encode(f, again, size);
    number("type", f->type), number("id", f->id), number("lowest", f->lowest), number("highest", f->highest);
    number("capabilities", f->capabilities), number("max_body", f->max_body), number("code", f->code);
    number("refused", f->refused), number("policy", f->policy), number("choice", f->choice), number("flags", f->flags);
    number("queue", f->queue), number("window", f->window), number("attempts", f->attempts);
    number("subscription", f->subscription), number("timeout", f->timeout_ms), number("number", f->number);
    number("sequence", f->sequence), number("time", f->time), number("until", f->until), number("count", f->attribute_count);
    text("attributes", f->attributes), text("first", f->first), text("second", f->second), text("rest", f->rest);
    text("frame", v);
    printf("\n");
    free(again);
}

static void decode(const char *who, const char *hex) {
    size_t n = strlen(hex) / 2, i;
    unsigned char *frame = malloc(n + 1); /* its own piece of memory, at an odd address too */
    unsigned char *at = frame + 1;
    fescue_frame f;
    int status;
    for (i = 0; i < n; i++) {
        unsigned byte;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) exit(2);
        at[i] = (unsigned char)byte;
    }
    if (fescue_frame_size(at, n) != n) printf("cut %zu\n", fescue_frame_size(at, n));
    else if ((status = fescue_decode(at, n, strcmp(who, "client") == 0, &f)) == 1) show(&f, n);
    else printf(status == 0 ? "skipped\n" : "malformed\n");
    free(frame);
}

int main(void) {
    static char who[16], hex[1 << 20];
    while (scanf("%15s %1048575s", who, hex) == 2) decode(who, hex);
    return 0;
}
