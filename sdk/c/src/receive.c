/* Receiving: frames that are no messages are dealt with as soon as they have been read, whatever waits before them. */

static int reconnect(fescue_client *c, int64_t deadline);

static int status_of(uint16_t code) { return code >= 1 && code < 100 ? -(int)code : FESCUE_INTERNAL; }

/* Whoever waits for the answer to this frame has it. */
static int resolve(fescue_client *c, uint8_t type, uint32_t id, int status) {
    if (c->wait.type != type || c->wait.id != id || c->wait.done) return 0;
    c->wait.done = 1;
    c->wait.status = status;
    return 1;
}

static fescue_topic *find_topic(fescue_client *c, uint32_t id) {
    fescue_topic *t = c->topics;
    while (t != NULL && t->id != id) t = t->next;
    return t;
}

static void forget_topic(fescue_client *c, fescue_topic *topic) {
    fescue_topic **at = &c->topics;
    while (*at != NULL && *at != topic) at = &(*at)->next;
    if (*at != NULL) *at = topic->next;
    topic->known = topic->granted = 0;
}

static void end_subscription(fescue_client *c, fescue_subscription *s, int status) {
    fescue_subscription **at = &c->subscriptions;
    while (*at != NULL && *at != s) at = &(*at)->next;
    if (*at != NULL) *at = s->next;
    if (c->recent == s) c->recent = NULL;
    s->ended = status;
    s->id = 0;
}

static void on_granted(fescue_client *c, const fescue_frame *f) {
    fescue_topic *t = f->refused == FESCUE_REGISTER ? find_topic(c, f->id) : NULL;
    if (t != NULL) t->granted = 1;
    resolve(c, f->refused, f->id, FESCUE_OK);
}

static void keep_answer(fescue_client *c, const fescue_frame *f) {
    size_t n = f->rest.size < c->wait.room ? f->rest.size : c->wait.room;
    if (n > 0) memcpy(c->wait.reply, f->rest.data, n);
    c->wait.size = f->rest.size;
    c->wait.revision = f->sequence;
}

static void on_answer(fescue_client *c, const fescue_frame *f, uint8_t to) {
    if (resolve(c, to, f->id, FESCUE_OK)) keep_answer(c, f);
}

/* A line of a listing that is being waited for. */
static void on_listed(fescue_client *c, const fescue_frame *f) {
    fescue_message m;
    if (f->type == FESCUE_CHANGE && f->choice == FESCUE_END_OF_PRESENT) {
        c->listing.done = 1;
        return;
    }
    memset(&m, 0, sizeof m);
    m.type = f->type;
    m.sequence = f->sequence;
    m.time = f->time;
    m.topic = f->first;
    m.payload = f->rest;
    c->listing.count++;
    if (c->listing.handler != NULL) c->listing.handler(c, &m, c->listing.user);
}

static int is_listed(const fescue_client *c, size_t at) {
    return c->listing.id != 0 && (uint8_t)c->in[at + 3] == c->listing.type && get32((const uint8_t *)c->in + at + 4) == c->listing.id;
}

/* A subscription was refused, was taken away, or had messages dropped. */
static void on_subscription_error(fescue_client *c, const fescue_frame *f, int status) {
    fescue_subscription *s = find_subscription(c, f->id);
    if (s == NULL || status == FESCUE_OVERFLOW || status == FESCUE_TOO_LARGE) {
        tell(c, status);
        return;
    }
    end_subscription(c, s, status);
    if (!resolve(c, f->refused, f->id, status)) c->withdrawn = 1;
}

/* A topic was refused or taken away: the next publish on it registers anew, and meets the error itself. */
static void on_topic_error(fescue_client *c, const fescue_frame *f, int status) {
    fescue_topic *t = find_topic(c, f->id);
    if (t != NULL) forget_topic(c, t);
    if (f->refused == FESCUE_PUBLISH ? t != NULL : !resolve(c, f->refused, f->id, status)) tell(c, status);
}

static int ends_session(int status, uint32_t id) {
    return status == FESCUE_MALFORMED || status == FESCUE_BAD_VERSION || status == FESCUE_UNAUTHENTICATED ||
           status == FESCUE_GOING_AWAY || (status == FESCUE_INTERNAL && id == 0);
}

static int makes_subscription(uint8_t type) { return type == FESCUE_SUBSCRIBE || type == FESCUE_CONSUME || type == FESCUE_WATCH; }

/* Frames whose answer may come when nobody waits for it any longer. */
static int may_be_late(uint8_t type) {
    return type == FESCUE_UNREGISTER || type == FESCUE_UNSUBSCRIBE || type == FESCUE_UNWATCH || type == FESCUE_CALL ||
           type == FESCUE_REQUEST || type == FESCUE_ACK;
}

static void on_error(fescue_client *c, const fescue_frame *f) {
    int status = failed(c, status_of(f->code), "", f->second);
    if (f->refused == FESCUE_REGISTER || (f->refused == FESCUE_PUBLISH && status == FESCUE_UNKNOWN_ID)) on_topic_error(c, f, status);
    else if (makes_subscription(f->refused) && (c->wait.type != f->refused || c->wait.id != f->id || c->wait.done || find_subscription(c, f->id) != NULL))
        on_subscription_error(c, f, status);
    else if (resolve(c, f->refused, f->id, status)) return;
    else if (ends_session(status, f->id)) c->refusal = status;
    else if (!may_be_late(f->refused)) tell(c, status);
}

static int on_welcome(fescue_client *c, const fescue_frame *f) {
    if (f->highest != 1 || c->welcomed) return FESCUE_MALFORMED;
    c->capabilities = f->capabilities;
    c->max_body = f->max_body > FESCUE_MAX_LENGTH ? FESCUE_MAX_LENGTH : f->max_body;
    copy_view(c->application, sizeof c->application, f->first);
    copy_view(c->device, sizeof c->device, f->second);
    c->welcomed = 1;
    return FESCUE_OK;
}

/* Nobody waits for an invocation: it is not begun, or whoever handles it can ask. 1: the program is to be told. */
static int on_cancel(fescue_client *c, uint32_t id) {
    size_t at;
    if (c->current == id) c->cancelled = 1;
    for (at = c->taken; at < c->scanned; at += frame_at(c, at))
        if ((uint8_t)c->in[at + 3] == FESCUE_INVOKE && get32((const uint8_t *)c->in + at + 4) == id) {
            fescue_frame f;
            blank(c, at);
            begin_frame(&f, FESCUE_FAILURE, id); /* the agent counts what is still being worked on */
            f.first = view_of("Cancelled");
            f.second = view_of("it was cancelled before it began");
            send_here(c, &f);
            return 0;
        }
    return c->own_loop;
}

static void on_ping(fescue_client *c, const fescue_frame *f) {
    fescue_frame pong;
    begin_frame(&pong, FESCUE_PONG, f->id);
    pong.rest = f->rest;
    send_here(c, &pong);
}

static int on_control(fescue_client *c, const fescue_frame *f) {
    switch (f->type) {
    case FESCUE_WELCOME: return on_welcome(c, f);
    case FESCUE_ERROR: on_error(c, f); break;
    case FESCUE_GRANTED: on_granted(c, f); break;
    case FESCUE_REPLY: on_answer(c, f, FESCUE_REQUEST); break;
    case FESCUE_VALUE: on_answer(c, f, FESCUE_GET); break;
    case FESCUE_STORED: on_answer(c, f, c->wait.type == FESCUE_DELETE ? FESCUE_DELETE : FESCUE_PUT); break;
    case FESCUE_PAST:
    case FESCUE_CHANGE: if (f->id == c->listing.id && f->type == c->listing.type) on_listed(c, f); break;
    case FESCUE_CREDIT:
        c->granting = 1;
        c->grants += f->number;
        break;
    case FESCUE_PING: on_ping(c, f); break;
    case FESCUE_PONG: resolve(c, FESCUE_PING, f->id, FESCUE_OK); break;
    case FESCUE_CANCEL: break; /* done */
    case FESCUE_MORE: if (f->id == c->current) c->credit += f->number; break;
    case FESCUE_INVOKE: return FESCUE_MALFORMED; /* this is no worker */
    default: /* GOODBYE */
        if (c->worker) c->leaving = 1;
        c->refusal = FESCUE_GOING_AWAY;
    }
    return FESCUE_OK;
}

/* Whether a frame is for the program, and waits until it is taken. */
static int is_message(fescue_client *c, size_t at) {
    switch ((uint8_t)c->in[at + 3]) {
    case FESCUE_MESSAGE:
    case FESCUE_CALL:
    case FESCUE_DELIVERY: return 1;
    case FESCUE_CHANGE: return !is_listed(c, at);
    case FESCUE_INVOKE: return c->worker;
    case FESCUE_CANCEL: return on_cancel(c, get32((const uint8_t *)c->in + at + 4));
    default: return 0;
    }
}

/* Looks at the frames that have been read, until one answers what is waited for. 1 if there were any, 0, or a status. */
static int absorb(fescue_client *c) {
    int some = 0;
    while (!c->wait.done || c->wait.type == 0) {
        fescue_frame f;
        size_t at, n;
        int status = FESCUE_OK;
        skip(c);
        at = c->scanned;
        n = frame_at(c, at);
        if (n == 0 || n > c->filled - at || c->skipping > 0) break;
        some = 1;
        c->scanned += n;
        if (is_message(c, at)) continue;
        status = fescue_decode(c->in + at, n, 0, &f);
        blank(c, at);
        if (status > 0) status = on_control(c, &f);
        if (status < 0) return failed(c, status, "Data Xchange sent what is not of the protocol", view_of(NULL));
    }
    return some;
}

/* What is waited for is the answer to a frame that resume() sends on the next link. */
static int is_told_again(fescue_client *c) {
    return c->wait.type == FESCUE_REGISTER || (makes_subscription(c->wait.type) && find_subscription(c, c->wait.id) != NULL);
}

/* Lets go of a dead link; what was asked on it is answered, but for what the next link is told again. */
static void drop_link(fescue_client *c) {
    close_link(c);
    if (c->open) c->retry_at = now_ms() + c->pause_ms;
    c->open = c->welcomed = 0;
    c->out_used = 0;
    c->granting = 0;
    c->grants = 0;
    forget_partial(c);
    if (c->wait.type != 0 && !is_told_again(c) && !c->wait.done) {
        c->wait.done = 1;
        c->wait.status = failed(c, FESCUE_LOST, "the link was lost before the answer came", view_of(NULL));
    }
}

/* Reads once. 1: something came; 0: nothing, until the deadline. */
static int read_once(fescue_client *c, int64_t deadline) {
    int status;
    long n;
    if ((status = make_room(c)) < 0) return status;
    if ((status = wait_link(c, 0, deadline)) <= 0) return status;
    n = read_link(c, c->in + c->filled, c->in_size - c->filled);
    if (n <= 0) return (int)n;
    c->filled += (size_t)n;
    return absorb(c) < 0 ? FESCUE_MALFORMED : 1;
}

/* Does what there is to do: looks at what was read, reads, or connects again. 1: something happened; 0: nothing did until
 * the deadline; FESCUE_STOPPED; or why it cannot go on. */
static int pump(fescue_client *c, int64_t deadline) {
    int status;
    if (c->fatal < 0) return c->fatal;
    if (!c->open) return c->worker ? (c->fatal = FESCUE_LOST) : reconnect(c, deadline);
    status = absorb(c);
    if (status == 0 && c->out_used > 0) status = fescue_flush(c) < 0 ? FESCUE_LOST : 0;
    if (status == 0) status = read_once(c, deadline);
    if (status != FESCUE_LOST && status != FESCUE_MALFORMED) return status;
    drop_link(c);
    return 1;
}
