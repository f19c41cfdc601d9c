/* The input buffer. Messages are not copied out of it: it is the queue in which they wait.
 *
 *     held ── taken ── scanned ── filled ── end
 *
 * held..taken is the message that the program looks at, and does not move; taken..scanned are whole frames that wait, some
 * of them blanks (already dealt with); scanned..filled has been read and not looked at. */

enum { BLANK = 0xFF };
enum { MOST_CONTROL = 2048 }; /* larger frames that are no messages do not occur */

static uint32_t subscription_of(const fescue_frame *f) { return f->type == FESCUE_CALL ? f->subscription : f->id; }

static fescue_subscription *find_subscription(fescue_client *c, uint32_t id) {
    fescue_subscription *s = c->recent;
    if (s != NULL && s->id == id) return s;
    for (s = c->subscriptions; s != NULL && s->id != id;) s = s->next;
    if (s != NULL) c->recent = s;
    return s;
}

static size_t frame_at(const fescue_client *c, size_t at) { return fescue_frame_size(c->in + at, c->filled - at); }

static void blank(fescue_client *c, size_t at) { c->in[at + 3] = (char)BLANK; }

static int is_blank(const fescue_client *c, size_t at) { return (uint8_t)c->in[at + 3] == BLANK; }

/* The program is done with the message it looked at. */
static void release(fescue_client *c) {
    while (c->taken < c->scanned && is_blank(c, c->taken)) c->taken += frame_at(c, c->taken);
    c->held = c->taken;
}

/* Moves what has been read down to the end of the message looked at, without the blanks. */
static void compact(fescue_client *c) {
    size_t to = c->held == c->taken ? 0 : c->taken, from = c->taken, scanned;
    if (c->held == c->taken) c->held = 0;
    c->taken = to;
    while (from < c->scanned) {
        size_t n = frame_at(c, from);
        if (!is_blank(c, from)) {
            memmove(c->in + to, c->in + from, n);
            to += n;
        }
        from += n;
    }
    scanned = to;
    memmove(c->in + to, c->in + c->scanned, c->filled - c->scanned);
    c->filled = to + (c->filled - c->scanned);
    c->scanned = scanned;
}

/* The error with which whoever waits for an answer is told that the message has been dropped. */
static int refuse(fescue_client *c, const fescue_frame *f) {
    fescue_frame answer;
    begin_frame(&answer, f->type == FESCUE_INVOKE ? FESCUE_FAILURE : FESCUE_ERROR, f->id);
    answer.first = view_of(f->type == FESCUE_INVOKE ? "Overflow" : "");
    answer.second = view_of("the input buffer is full");
    answer.code = -FESCUE_INTERNAL;
    answer.refused = FESCUE_CALL;
    return f->type == FESCUE_CALL || f->type == FESCUE_INVOKE ? send_here(c, &answer) : FESCUE_OK;
}

static void drop(fescue_client *c, size_t at) {
    fescue_frame f;
    if (fescue_decode(c->in + at, frame_at(c, at), 0, &f) == 1) {
        const fescue_subscription *s = f.type == FESCUE_INVOKE ? NULL : find_subscription(c, subscription_of(&f));
        failed(c, FESCUE_OVERFLOW, "a message was dropped, the input buffer is full", view_of(s == NULL ? "" : s->filter));
        tell(c, FESCUE_OVERFLOW);
        refuse(c, &f);
    }
    blank(c, at);
}

/* Drops one message that waits, by its subscription's policy: the oldest of those that go oldest first, else the newest of the
 * others. 0 if all are to be kept. */
static int drop_one(fescue_client *c) {
    size_t at, newest = SIZE_MAX;
    for (at = c->taken; at < c->scanned; at += frame_at(c, at)) {
        fescue_frame f;
        const fescue_subscription *s;
        if (is_blank(c, at) || fescue_decode(c->in + at, frame_at(c, at), 0, &f) != 1) continue;
        if (f.type != FESCUE_MESSAGE && f.type != FESCUE_CALL) continue; /* the broker bounds their number */
        s = f.type == FESCUE_INVOKE ? NULL : find_subscription(c, subscription_of(&f));
        if (s != NULL && s->policy == FESCUE_DROP_NEWEST) newest = at;
        if (s != NULL && s->policy == FESCUE_DROP_OLDEST) break;
    }
    if (at >= c->scanned) at = newest;
    if (at == SIZE_MAX) return 0;
    drop(c, at);
    return 1;
}

/* The room that the next read wants at the end of the buffer: for the rest of a frame, or a message of a queue. */
static size_t wanted_room(const fescue_client *c) {
    size_t have = c->filled - c->scanned, frame = frame_at(c, c->scanned);
    size_t least = c->chunk > 0 ? c->chunk : FESCUE_HEADER;
    return frame > have && frame - have > least ? frame - have : least;
}

/* A frame on its way for which there is no room beside the message that the program looks at: it is passed over, and whoever
 * waits for what it brings or asks is told. */
static int pass_over(fescue_client *c) {
    size_t have = c->filled - c->scanned, size = frame_at(c, c->scanned);
    fescue_frame f;
    if (size <= have) return 0;
    begin_frame(&f, FESCUE_MESSAGE, get32((const uint8_t *)c->in + c->scanned + 4));
    f.type = (uint8_t)c->in[c->scanned + 3];
    c->skipping = size - have;
    c->filled = c->scanned;
    failed(c, FESCUE_OVERFLOW, "a message was dropped, there is no room for it in the input buffer", view_of(NULL));
    if (f.type == FESCUE_REPLY || f.type == FESCUE_ERROR) {
        if (c->wait.id == f.id && !c->wait.done) {
            c->wait.done = 1;
            c->wait.status = FESCUE_ROOM;
        }
        return 1;
    }
    tell(c, FESCUE_OVERFLOW);
    refuse(c, &f);
    return 1;
}

/* Makes room to read into. FESCUE_ROOM: all that waits is to be kept. */
static int make_room(fescue_client *c) {
    size_t wanted = wanted_room(c);
    if (c->held == c->filled) c->held = c->taken = c->scanned = c->filled = 0;
    if (c->held == c->taken && c->in_size - c->filled < wanted + c->in_size / 4) compact(c);
    if (c->in_size - c->filled >= wanted) return FESCUE_OK;
    compact(c);
    while (c->in_size - c->filled < wanted) {
        if (!drop_one(c) && !pass_over(c)) return failed(c, FESCUE_ROOM, "the input buffer is full of messages: take them first", view_of(NULL));
        wanted = wanted_room(c);
        compact(c);
    }
    return FESCUE_OK;
}

/* Takes what was read out of a frame that is passed over. */
static void skip(fescue_client *c) {
    size_t have = c->filled - c->scanned, n = have < c->skipping ? have : c->skipping;
    if (n == 0) return;
    memmove(c->in + c->scanned, c->in + c->scanned + n, have - n);
    c->filled -= n;
    c->skipping -= n;
}

/* Drops the part of a frame whose rest will not come, the link being gone. */
static void forget_partial(fescue_client *c) {
    c->filled = c->scanned;
    c->skipping = 0;
}
