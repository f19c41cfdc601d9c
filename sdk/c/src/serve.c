/* Taking messages, answering, and the main loops. */
#include <signal.h>

fescue_view fescue_attribute(const fescue_message *m, const char *name) {
    cursor at;
    unsigned n;
    at.at = (const uint8_t *)m->attributes.data;
    at.end = at.at + m->attributes.size;
    at.bad = 0;
    for (n = m->attribute_count; n > 0; n--) {
        fescue_view found = take_text(&at), value = take_text(&at);
        if (same(found, name)) return value;
    }
    return view_of(NULL);
}

/* Makes a message of a frame; 0 if it is nobody's any more. */
static int give(fescue_client *c, const fescue_frame *f, fescue_message *m) {
    memset(m, 0, sizeof *m);
    m->type = f->type;
    m->id = f->id;
    m->session = c->session;
    m->timeout_ms = f->timeout_ms;
    m->payload = f->rest;
    m->topic = f->first;
    m->sequence = f->sequence;
    m->time = f->time;
    m->attempt = f->attempts;
    m->change = f->choice;
    m->maybe_before = f->type == FESCUE_DELIVERY && (f->flags & 1);
    if (f->type == FESCUE_INVOKE) {
        m->attribute_count = f->attribute_count;
        m->attributes = f->attributes;
        m->topic = fescue_attribute(m, "subject");
    } else if (f->type != FESCUE_CANCEL) {
        m->subscription = find_subscription(c, subscription_of(f));
        if (m->subscription == NULL) return 0;
        if (m->topic.size == 0 && m->type != FESCUE_CHANGE) m->topic = view_of(m->subscription->filter);
        if (m->type == FESCUE_MESSAGE && m->subscription->credit > 0) m->subscription->credit--;
    }
    c->current = f->type == FESCUE_CALL || f->type == FESCUE_INVOKE ? f->id : 0;
    c->answered = c->cancelled = 0;
    c->credit = FESCUE_WINDOW;
    return 1;
}

/* Takes the first frame that waits. 1: it is a message for the program. */
static int take_message(fescue_client *c, fescue_message *m) {
    fescue_frame f;
    size_t n = frame_at(c, c->taken);
    int status = fescue_decode(c->in + c->taken, n, 0, &f);
    c->held = c->taken;
    c->taken += n;
    if (status == 1 && give(c, &f, m)) return 1;
    if (status == 1) refuse(c, &f);
    if (status < 0) drop_link(c);
    c->held = c->taken;
    return 0;
}

/* Whether the message that would be taken next is an event. */
static int event_waits(const fescue_client *c) { return c->taken < c->scanned && (uint8_t)c->in[c->taken + 3] == FESCUE_INVOKE; }

/* Reads what has come, without waiting, if there is room: the event that would begin next may have been cancelled. */
static void catch_up(fescue_client *c) {
    long n;
    if (!c->open || c->chunk > 0) return;
    if (c->in_size - c->filled < MOST_CONTROL) compact(c);
    if (c->in_size - c->filled < MOST_CONTROL) return;
    n = read_link(c, c->in + c->filled, c->in_size - c->filled);
    if (n > 0) c->filled += (size_t)n;
    if (n < 0 || absorb(c) < 0) drop_link(c);
}

/* What a program is told when nothing waits for it. */
static int verdict(fescue_client *c) {
    if (c->withdrawn) {
        c->withdrawn = 0;
        return failed(c, FESCUE_DENIED, "the permission for a subscription was taken away", view_of(NULL));
    }
    return c->leaving ? FESCUE_STOPPED : c->fatal;
}

int fescue_next(fescue_client *c, fescue_message *m, int timeout_ms) {
    int64_t deadline = timeout_ms <= 0 ? timeout_ms : deadline_in(timeout_ms);
    c->current = 0;
    for (;;) {
        int status;
        release(c);
        if (c->stopping) return FESCUE_STOPPED;
        if (event_waits(c) && !c->own_loop) {
            catch_up(c);
            release(c);
        }
        if (c->taken < c->scanned) {
            if (take_message(c, m)) return 1;
            continue;
        }
        if ((status = verdict(c)) < 0) return status;
        status = pump(c, deadline);
        if (status < 0 && status != FESCUE_STOPPED) return status;
        if (status == 0 && left_ms(deadline) == 0) return 0;
    }
}

/* A call or invocation on a link that is gone: nobody waits for its answer. */
static int is_stale(fescue_client *c, const fescue_message *m) {
    if (m->id == c->current) c->answered = 1;
    return (m->type != FESCUE_CALL && m->type != FESCUE_INVOKE) || m->session != c->session || !c->open;
}

int fescue_fail(fescue_client *c, const fescue_message *m, const char *kind, const char *text) {
    char line[600];
    fescue_frame f;
    if (is_stale(c, m)) return FESCUE_OK;
    if (m->type == FESCUE_INVOKE) {
        begin_frame(&f, FESCUE_FAILURE, m->id);
        f.first = view_of(kind);
        f.second = cut(view_of(text), 0x4000);
        return send_here(c, &f);
    }
    begin_frame(&f, FESCUE_ERROR, m->id);
    f.code = -FESCUE_INTERNAL;
    f.refused = FESCUE_CALL;
    snprintf(line, sizeof line, "%s: %s", kind, text);
    f.second = cut(view_of(line), sizeof line - 8);
    return send_here(c, &f);
}

int fescue_reply(fescue_client *c, const fescue_message *m, const void *data, size_t size) {
    fescue_frame f;
    if (is_stale(c, m)) return FESCUE_OK;
    if (size > c->max_body) {
        fescue_fail(c, m, "TooLarge", "the answer is larger than the broker accepts");
        return check_size(c, size, "the answer");
    }
    begin_frame(&f, m->type == FESCUE_INVOKE ? FESCUE_RESULT : FESCUE_REPLY, m->id);
    f.rest = bytes_of(data, size);
    return send_here(c, &f);
}

static int send_part(fescue_client *c, const fescue_message *m, int head, const char *data, size_t size) {
    fescue_frame f;
    begin_frame(&f, FESCUE_PART, m->id);
    f.flags = (uint16_t)head;
    f.rest = bytes_of(data, size);
    return send_here(c, &f);
}

/* Whether pieces of the answer can be sent. */
static int check_parts(fescue_client *c, const fescue_message *m) {
    if (m->type != FESCUE_INVOKE || m->id != c->current || c->answered) return failed(c, FESCUE_ARGUMENT, "this is not the event that is being handled", view_of(NULL));
    if (c->capabilities & FESCUE_CAN_PART) return FESCUE_OK;
    return failed(c, FESCUE_UNSUPPORTED, "this device takes answers as a whole", view_of(NULL));
}

int fescue_head(fescue_client *c, const fescue_message *m, const char *json) {
    int status = check_parts(c, m);
    return status < 0 ? status : send_part(c, m, 1, json, strlen(json));
}

int fescue_part(fescue_client *c, const fescue_message *m, const void *data, size_t size) {
    const char *at = data;
    int status = check_parts(c, m);
    while (status >= 0 && size > 0) {
        size_t n = size < FESCUE_MAX_PART ? size : FESCUE_MAX_PART;
        status = pump(c, 0); /* it may have been cancelled */
        while (status >= 0 && c->credit < n && !c->cancelled) status = pump(c, -1);
        if (c->cancelled) return failed(c, FESCUE_GONE, "nobody waits for the answer any longer", view_of(NULL));
        if (status < 0 && (status != FESCUE_STOPPED || c->credit < n)) return status; /* who is to stop may yet answer */
        if ((status = send_part(c, m, 0, at, n)) < 0) return status;
        c->credit -= (uint32_t)n;
        at += n;
        size -= n;
    }
    return status < 0 ? status : FESCUE_OK;
}

int fescue_cancelled(fescue_client *c, const fescue_message *m) {
    if (m->session == c->session && c->open) pump(c, 0);
    return m->session != c->session || !c->open || (m->id == c->current && c->cancelled);
}

static void handle(fescue_client *c, const fescue_message *m, fescue_handler handler, void *user) {
    if (handler != NULL) handler(c, m, user);
    if (c->answered) return;
    if (m->type == FESCUE_DELIVERY) fescue_ack(c, m, FESCUE_DONE, 0);
    else fescue_reply(c, m, NULL, 0);
}

/* The client that signals stop; a handler can be given nothing else. */
static fescue_client *volatile stopped_by_signals;

static void on_signal(int number) {
    (void)number;
    if (stopped_by_signals != NULL) fescue_stop(stopped_by_signals);
}

static void catch_signals(struct sigaction before[2]) {
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    sigemptyset(&a.sa_mask);
    sigaction(SIGTERM, &a, &before[0]);
    sigaction(SIGINT, &a, &before[1]);
}

int fescue_run(fescue_client *c) {
    struct sigaction before[2];
    fescue_message m;
    int status;
    stopped_by_signals = c;
    catch_signals(before);
    for (;;) {
        status = fescue_next(c, &m, -1);
        if (status == 1) handle(c, &m, m.subscription->handler, m.subscription->user);
        else if (status == FESCUE_DENIED && c->subscriptions != NULL) tell(c, status);
        else break;
    }
    sigaction(SIGTERM, &before[0], NULL);
    sigaction(SIGINT, &before[1], NULL);
    stopped_by_signals = NULL;
    if (status == FESCUE_STOPPED) fescue_close(c, 1000);
    return status == FESCUE_STOPPED ? FESCUE_OK : status;
}

/* The link that the agent left to a function's worker. */
static int adopt_link(fescue_client *c) {
    const char *fd = getenv("FESCUE_WORKER_FD");
    char *end = NULL;
    long n = fd == NULL ? -1 : strtol(fd, &end, 10);
    if (n < 0 || n > 1 << 20 || *end != 0)
        return failed(c, FESCUE_ARGUMENT, "FESCUE_WORKER_FD is not set", view_of("the agent sets it for the program that `handler:` in fescue.yaml names"));
    c->reading = c->writing = (int)n;
    keep_from_children((int)n);
    return FESCUE_OK;
}

/* Takes over the link, and greets. */
static int adopt(fescue_client *c, const fescue_options *options) {
    int status = adopt_link(c);
    c->worker = 1;
    if (status == FESCUE_OK) status = fill_options(c, options);
    return status == FESCUE_OK ? connect_once(c) : status;
}

int fescue_adopt(fescue_client *c, void *in, size_t in_size, void *out, size_t out_size, const fescue_options *options) {
    int status = prepare(c, in, in_size, out, out_size);
    c->own_loop = 1;
    if (status == FESCUE_OK) status = adopt(c, options);
    if (status < 0) dispose(c);
    return status;
}

int fescue_ready(fescue_client *c) {
    fescue_frame f;
    begin_frame(&f, FESCUE_READY, 0);
    return send_here(c, &f);
}

static int serve(fescue_client *c, fescue_handler handler, void *user) {
    fescue_message m;
    int status = adopt(c, NULL);
    if (status == FESCUE_OK) status = fescue_ready(c);
    while (status >= 0) {
        status = fescue_next(c, &m, -1);
        if (status == 1) handle(c, &m, m.type == FESCUE_INVOKE ? handler : m.subscription->handler, m.type == FESCUE_INVOKE ? user : m.subscription->user);
    }
    return status;
}

int fescue_serve(fescue_client *c, void *in, size_t in_size, void *out, size_t out_size, fescue_handler handler, void *user) {
    int status = prepare(c, in, in_size, out, out_size);
    if (status == FESCUE_OK) status = serve(c, handler, user);
    if (status == FESCUE_STOPPED) {
        fescue_close(c, 0);
        return 0;
    }
    fprintf(stderr, "fescue: %s\n", c->error);
    dispose(c);
    return 1;
}
