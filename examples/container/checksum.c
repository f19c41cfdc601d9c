/* A function in an image: the CRC-32 (ISO 3309, as zip and Ethernet have it) of what it is called with. */
#include <stdint.h>
#include <stdio.h>

#include <fescue.h>

static char in[FESCUE_BUFFER(65536)], out[FESCUE_BUFFER(65536)];

static uint32_t crc32(const unsigned char *p, size_t n) {
    uint32_t crc = 0xffffffffu;
    while (n--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void call(fescue_client *c, const fescue_message *m, void *user) {
    char text[48];
    int n = snprintf(text, sizeof text, "{\"crc32\": \"%08x\"}", (unsigned)crc32((const unsigned char *)m->payload.data, m->payload.size));
    (void)user;
    fescue_reply(c, m, text, (size_t)n);
}

int main(void) {
    static fescue_client c;
    return fescue_serve(&c, in, sizeof in, out, sizeof out, call, NULL);
}
