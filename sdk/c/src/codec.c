/* The codec: one table says what each type's body is made of, and both directions go by it. */
#include <string.h>

/* Who may send a frame, and what its id may be. */
enum { BY_CLIENT = 1, BY_BROKER = 2 };
enum { ANY_ID, NO_ID, SOME_ID, SHORT_ID };

/* The letters of a layout, in order of the body:
 *   v V  u8 lowest, highest version    c  u16 capabilities   m  u32 largest body   0  u8 0
 *   k  u16 code   r  u8 type refused or granted   p f q  u8 policy, u8 flags, u16 queue
 *   s t d  u32 subscription, time-out, number   x  u8 choice   n w  u16 attempts, window   g  u16 flags
 *   S M U  u64 sequence, time, until   1 2  str16   A  attributes   *  the rest
 *   #  the rest, at most 64 bytes. Without * or # nothing may follow. */
typedef struct layout {
    uint8_t by, id;
    const char *fields;
} layout;

static const layout layouts[] = {
    [FESCUE_HELLO] = {BY_CLIENT, NO_ID, "vVcm12"},
    [FESCUE_WELCOME] = {BY_BROKER, NO_ID, "V0cm12"},
    [FESCUE_ERROR] = {BY_CLIENT | BY_BROKER, ANY_ID, "kr012"},
    [FESCUE_PING] = {BY_CLIENT | BY_BROKER, ANY_ID, "#"},
    [FESCUE_PONG] = {BY_CLIENT | BY_BROKER, ANY_ID, "#"},
    [FESCUE_GOODBYE] = {BY_CLIENT | BY_BROKER, NO_ID, "k1"},
    [FESCUE_GRANTED] = {BY_BROKER, ANY_ID, "r"},
    [FESCUE_REGISTER] = {BY_CLIENT, SHORT_ID, "*"},
    [FESCUE_UNREGISTER] = {BY_CLIENT, SHORT_ID, ""},
    [FESCUE_SUBSCRIBE] = {BY_CLIENT, SHORT_ID, "pfq*"},
    [FESCUE_UNSUBSCRIBE] = {BY_CLIENT, SHORT_ID, ""},
    [FESCUE_CONSUME] = {BY_CLIENT, SHORT_ID, "x0wtn00M12*"},
    [FESCUE_FORGET] = {BY_CLIENT, SOME_ID, "*"},
    [FESCUE_PUBLISH] = {BY_CLIENT, SHORT_ID, "*"},
    [FESCUE_PUBLISHTO] = {BY_CLIENT, ANY_ID, "1*"},
    [FESCUE_MESSAGE] = {BY_BROKER, SHORT_ID, "1*"},
    [FESCUE_REQUEST] = {BY_CLIENT, SOME_ID, "t1*"},
    [FESCUE_CALL] = {BY_BROKER, SOME_ID, "st1*"},
    [FESCUE_REPLY] = {BY_CLIENT | BY_BROKER, SOME_ID, "*"},
    [FESCUE_STORE] = {BY_CLIENT, SOME_ID, "12*"},
    [FESCUE_DELIVERY] = {BY_BROKER, SHORT_ID, "SMng1*"},
    [FESCUE_ACK] = {BY_CLIENT, SHORT_ID, "Sx000d"},
    [FESCUE_HISTORY] = {BY_CLIENT, SOME_ID, "f000dMU*"},
    [FESCUE_PAST] = {BY_BROKER, SOME_ID, "SM1*"},
    [FESCUE_READY] = {BY_CLIENT, NO_ID, ""},
    [FESCUE_INVOKE] = {BY_BROKER, SOME_ID, "tA*"},
    [FESCUE_RESULT] = {BY_CLIENT, SOME_ID, "*"},
    [FESCUE_FAILURE] = {BY_CLIENT, ANY_ID, "12*"},
    [FESCUE_CANCEL] = {BY_BROKER, SOME_ID, ""},
    [FESCUE_PART] = {BY_CLIENT, SOME_ID, "f*"},
    [FESCUE_MORE] = {BY_BROKER, SOME_ID, "d"},
    [FESCUE_LOG] = {BY_CLIENT, ANY_ID, "*"},
    [FESCUE_GET] = {BY_CLIENT, SOME_ID, "*"},
    [FESCUE_PUT] = {BY_CLIENT, SOME_ID, "x000dS1*"},
    [FESCUE_DELETE] = {BY_CLIENT, SOME_ID, "x000S*"},
    [FESCUE_WATCH] = {BY_CLIENT, SHORT_ID, "f*"},
    [FESCUE_UNWATCH] = {BY_CLIENT, SHORT_ID, ""},
    [FESCUE_VALUE] = {BY_BROKER, SOME_ID, "SM*"},
    [FESCUE_STORED] = {BY_BROKER, SOME_ID, "S"},
    [FESCUE_CHANGE] = {BY_BROKER, SHORT_ID, "x000SM1*"},
    [FESCUE_CREDIT] = {BY_CLIENT | BY_BROKER, ANY_ID, "d"},
};

static const layout *layout_of(uint8_t type) {
    return type < sizeof layouts / sizeof layouts[0] && layouts[type].fields != NULL ? &layouts[type] : NULL;
}

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }

static uint32_t get32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint8_t *put16(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v & 0xFF);
    p[1] = (uint8_t)(v >> 8 & 0xFF);
    return p + 2;
}

static uint64_t get64(const uint8_t *p) { return (uint64_t)get32(p) | (uint64_t)get32(p + 4) << 32; }

static uint8_t *put32(uint8_t *p, uint32_t v) { return put16(put16(p, v & 0xFFFF), v >> 16); }

static uint8_t *put64(uint8_t *p, uint64_t v) { return put32(put32(p, (uint32_t)(v & 0xFFFFFFFF)), (uint32_t)(v >> 32)); }

size_t fescue_frame_size(const void *data, size_t size) {
    const uint8_t *p = data;
    return size < FESCUE_HEADER ? 0 : FESCUE_HEADER + ((size_t)get32(p) & FESCUE_MAX_LENGTH);
}

/* A cursor over a body; `bad` stays once something was cut off. */
typedef struct cursor {
    const uint8_t *at, *end;
    int bad;
} cursor;

static const uint8_t *take(cursor *c, size_t n) {
    static const uint8_t nothing[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    const uint8_t *p = c->at;
    if ((size_t)(c->end - c->at) < n) {
        c->bad = 1;
        c->at = c->end;
        return nothing;
    }
    c->at += n;
    return p;
}

static fescue_view take_view(cursor *c, size_t n) {
    fescue_view v;
    v.data = (const char *)take(c, n);
    v.size = c->bad ? 0 : n;
    return v;
}

static fescue_view take_text(cursor *c) { return take_view(c, get16(take(c, 2))); }

static void take_attributes(cursor *c, fescue_frame *f) {
    const uint8_t *begin;
    unsigned n;
    f->attribute_count = *take(c, 1);
    begin = c->at;
    for (n = 2u * f->attribute_count; n > 0 && !c->bad; n--) take_text(c);
    f->attributes.data = (const char *)begin;
    f->attributes.size = (size_t)(c->at - begin);
}

static void take_field(char field, cursor *c, fescue_frame *f) {
    switch (field) {
    case 'v': f->lowest = *take(c, 1); break;
    case 'V': f->highest = *take(c, 1); break;
    case '0': take(c, 1); break;
    case 'c': f->capabilities = get16(take(c, 2)); break;
    case 'm': f->max_body = get32(take(c, 4)); break;
    case 'k': f->code = get16(take(c, 2)); break;
    case 'r': f->refused = *take(c, 1); break;
    case 'p': f->policy = *take(c, 1); break;
    case 'f': f->flags = *take(c, 1); break;
    case 'q': f->queue = get16(take(c, 2)); break;
    case 's': f->subscription = get32(take(c, 4)); break;
    case 't': f->timeout_ms = get32(take(c, 4)); break;
    case 'd': f->number = get32(take(c, 4)); break;
    case 'x': f->choice = *take(c, 1); break;
    case 'n': f->attempts = get16(take(c, 2)); break;
    case 'w': f->window = get16(take(c, 2)); break;
    case 'g': f->flags = get16(take(c, 2)); break;
    case 'S': f->sequence = get64(take(c, 8)); break;
    case 'M': f->time = get64(take(c, 8)); break;
    case 'U': f->until = get64(take(c, 8)); break;
    case '1': f->first = take_text(c); break;
    case '2': f->second = take_text(c); break;
    case 'A': take_attributes(c, f); break;
    default: f->rest = take_view(c, (size_t)(c->end - c->at)); break;
    }
}

static int id_fits(uint8_t rule, uint32_t id) {
    switch (rule) {
    case NO_ID: return id == 0;
    case SOME_ID: return id != 0;
    case SHORT_ID: return id != 0 && id <= 0xFFFF;
    default: return 1;
    }
}

/* What a body's fields must be beyond their lengths. */
static int fields_fit(const fescue_frame *f, int from_client) {
    switch (f->type) {
    case FESCUE_CONSUME: return f->choice <= FESCUE_FROM_TIME;
    case FESCUE_STORE: return f->first.size <= FESCUE_MAX_MESSAGE_ID;
    case FESCUE_ACK: return f->choice <= FESCUE_STILL_AT_IT;
    case FESCUE_HISTORY: return f->flags <= FESCUE_NEWEST;
    case FESCUE_PUT:
    case FESCUE_DELETE: return f->choice <= 1;
    case FESCUE_WATCH: return f->flags <= (FESCUE_WITH_PRESENT | FESCUE_ONLY_PRESENT | FESCUE_KEYS_ONLY);
    case FESCUE_CHANGE: return f->choice <= FESCUE_END_OF_PRESENT;
    case FESCUE_PART: return f->flags <= 1;
    case FESCUE_CREDIT: return id_fits(from_client ? SHORT_ID : NO_ID, f->id);
    case FESCUE_HELLO: return f->lowest >= 1 && f->lowest <= f->highest && f->max_body >= 64;
    case FESCUE_SUBSCRIBE: return f->policy <= FESCUE_BLOCK && f->flags <= (FESCUE_ANSWERS | FESCUE_NOT_OWN | FESCUE_BY_CREDIT);
    case FESCUE_PING:
    case FESCUE_PONG: return f->rest.size <= 64;
    default: return 1;
    }
}

int fescue_decode(const void *data, size_t size, int from_client, fescue_frame *f) {
    const uint8_t *p = data;
    const layout *l;
    const char *field;
    cursor c;
    memset(f, 0, sizeof *f);
    if (size < FESCUE_HEADER) return FESCUE_MALFORMED;
    f->type = p[3];
    f->id = get32(p + 4);
    if (f->type >= FESCUE_EXTENSION) return 0;
    l = layout_of(f->type);
    if (l == NULL || !(l->by & (from_client ? BY_CLIENT : BY_BROKER)) || !id_fits(l->id, f->id)) return FESCUE_MALFORMED;
    c.at = p + FESCUE_HEADER;
    c.end = p + size;
    c.bad = 0;
    for (field = l->fields; *field != 0; field++) take_field(*field, &c, f);
    return c.bad || c.at != c.end || !fields_fit(f, from_client) ? FESCUE_MALFORMED : 1;
}

/* The bytes that a frame's fields take, without the rest; SIZE_MAX if a text is too long for its length. */
static size_t fields_size(const char *field, const fescue_frame *f) {
    size_t n = 0;
    if (f->first.size > 0xFFFF || f->second.size > 0xFFFF) return SIZE_MAX;
    for (; *field != 0; field++) {
        if (strchr("vV0rpfx", *field) != NULL) n += 1;
        else if (strchr("ckqnwg", *field) != NULL) n += 2;
        else if (strchr("mstd", *field) != NULL) n += 4;
        else if (strchr("SMU", *field) != NULL) n += 8;
        else if (*field == '1') n += 2 + f->first.size;
        else if (*field == '2') n += 2 + f->second.size;
        else if (*field == 'A') n += 1 + f->attributes.size;
    }
    return n;
}

static uint8_t *put_view(uint8_t *p, fescue_view v) {
    if (v.size > 0) memcpy(p, v.data, v.size);
    return p + v.size;
}

static uint8_t *put_text(uint8_t *p, fescue_view v) { return put_view(put16(p, (uint32_t)v.size), v); }

static uint8_t *put8(uint8_t *p, uint8_t v) {
    *p = v;
    return p + 1;
}

static uint8_t *put_field(char field, uint8_t *p, const fescue_frame *f) {
    switch (field) {
    case 'v': return put8(p, f->lowest);
    case 'V': return put8(p, f->highest);
    case '0': return put8(p, 0);
    case 'c': return put16(p, f->capabilities);
    case 'm': return put32(p, f->max_body);
    case 'k': return put16(p, f->code);
    case 'r': return put8(p, f->refused);
    case 'p': return put8(p, f->policy);
    case 'f': return put8(p, (uint8_t)f->flags);
    case 'x': return put8(p, f->choice);
    case 'n': return put16(p, f->attempts);
    case 'w': return put16(p, f->window);
    case 'g': return put16(p, f->flags);
    case 'd': return put32(p, f->number);
    case 'S': return put64(p, f->sequence);
    case 'M': return put64(p, f->time);
    case 'U': return put64(p, f->until);
    case 'q': return put16(p, f->queue);
    case 's': return put32(p, f->subscription);
    case 't': return put32(p, f->timeout_ms);
    case '1': return put_text(p, f->first);
    case '2': return put_text(p, f->second);
    case 'A': return put_view(put8(p, f->attribute_count), f->attributes);
    default: return p;
    }
}

static void put_header(uint8_t *p, uint8_t type, uint32_t id, size_t length) {
    put32(put32(p, (uint32_t)length | (uint32_t)type << 24), id);
}

size_t fescue_encode_head(const fescue_frame *f, void *out, size_t room) {
    const layout *l = layout_of(f->type);
    uint8_t *p = out;
    const char *field = l == NULL ? "" : l->fields;
    size_t fields = fields_size(field, f);
    if (fields > FESCUE_MAX_LENGTH || f->rest.size > FESCUE_MAX_LENGTH - fields || room < FESCUE_HEADER + fields) return 0;
    put_header(p, f->type, f->id, fields + f->rest.size);
    for (p += FESCUE_HEADER; *field != 0; field++) p = put_field(*field, p, f);
    return FESCUE_HEADER + fields;
}

size_t fescue_encode(const fescue_frame *f, void *out, size_t room) {
    size_t head = fescue_encode_head(f, out, room);
    if (head == 0 || room - head < f->rest.size) return 0;
    put_view((uint8_t *)out + head, f->rest);
    return head + f->rest.size;
}
