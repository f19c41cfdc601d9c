/* Whatever the bytes are, reading them stays inside them; and what was read is written as it was. */
#include <stdlib.h>
#include <string.h>

#include "fescue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *data, size_t size, int from_client) {
    fescue_frame f, again;
    uint8_t *copy;
    if (fescue_decode(data, size, from_client, &f) != 1) return;
    copy = malloc(size);
    /* Reserved bytes are not looked at and written as 0, so not the bytes but the fields are compared. */
    if (fescue_encode(&f, copy, size) != size || fescue_decode(copy, size, from_client, &again) != 1) abort();
    if (f.id != again.id || f.sequence != again.sequence || f.number != again.number || f.flags != again.flags) abort();
    if (f.rest.size != again.rest.size ) abort();
    if (f.rest.size > 0 && memcmp(f.rest.data, again.rest.data, f.rest.size) != 0) abort();
    if (f.first.size != again.first.size || f.second.size != again.second.size || f.attributes.size != again.attributes.size) abort();
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t n;
    while ((n = fescue_frame_size(data, size)) != 0 && n <= size) {
        check(data, n, 0);
        check(data, n, 1);
        data += n;
        size -= n;
    }
    return 0;
}
