/* Connecting, and connecting again. */

enum { FIRST_PAUSE = 100, LONGEST_PAUSE = 2000, TOKEN_PATIENCE = 30000 }; /* ms */

static int say_hello(fescue_client *c) {
    fescue_frame f;
    size_t most = c->in_size - FESCUE_HEADER - MOST_CONTROL - c->chunk;
    begin_frame(&f, FESCUE_HELLO, 0);
    f.lowest = f.highest = 1;
    f.capabilities = FESCUE_CAN_REQUEST | FESCUE_CAN_LOG | FESCUE_CAN_STATE | FESCUE_CAN_KEEP | FESCUE_CAN_HISTORY | FESCUE_CAN_CREDIT;
    if (c->worker) f.capabilities |= FESCUE_CAN_SERVE;
    if (c->worker && !c->own_loop) f.capabilities |= FESCUE_CAN_QUEUE | FESCUE_CAN_PART;
    f.max_body = most > FESCUE_MAX_LENGTH ? FESCUE_MAX_LENGTH : (uint32_t)most;
    f.first = view_of(c->worker ? "" : c->options.token);
    f.second = view_of(c->options.name);
    return hold(c, &f) < 0 ? FESCUE_ROOM : fescue_flush(c);
}

/* HELLO and WELCOME. */
static int greet(fescue_client *c) {
    int64_t deadline = deadline_in(c->options.timeout_ms);
    int status;
    if (c->in_size < FESCUE_HEADER + MOST_CONTROL + c->chunk + 64 || c->out_size < MOST_CONTROL)
        return failed(c, FESCUE_ARGUMENT, "the buffers are too small: they have FESCUE_BUFFER(64) bytes at least", view_of(NULL));
    c->refusal = 0;
    status = say_hello(c);
    while (status >= 0 && !c->welcomed) {
        status = read_once(c, deadline);
        if (status == 0 && left_ms(deadline) == 0) status = failed(c, FESCUE_LOST, "Data Xchange did not answer HELLO in time", view_of(NULL));
        if (c->refusal < 0 && !c->welcomed) return c->refusal;
    }
    return status < 0 ? status : FESCUE_OK;
}

/* The frame that makes a subscription; again: on another link than the first. */
static void subscribe_frame(fescue_frame *f, const fescue_subscription *s, int again) {
    begin_frame(f, FESCUE_SUBSCRIBE, s->id);
    f->type = s->made_by;
    f->policy = s->policy;
    f->flags = s->flags;
    f->queue = s->queue;
    f->rest = view_of(s->filter);
    if (s->made_by == FESCUE_WATCH && again) f->flags |= FESCUE_WITH_PRESENT; /* what changed meanwhile is seen by that */
    if (s->made_by != FESCUE_CONSUME) return;
    f->choice = s->start;
    f->window = s->window;
    f->timeout_ms = s->patience_ms;
    f->attempts = s->attempts;
    f->time = s->from;
    f->first = view_of(s->place);
    f->second = view_of(s->dead_letter);
}

static int hold_credit(fescue_client *c, const fescue_subscription *s) {
    fescue_frame f;
    begin_frame(&f, FESCUE_CREDIT, s->id);
    f.number = s->credit;
    return s->made_by == FESCUE_SUBSCRIBE && (s->flags & FESCUE_BY_CREDIT) && s->credit > 0 ? hold(c, &f) : FESCUE_OK;
}

/* Tells a new session everything that the one before knew. */
static int resume(fescue_client *c) {
    const fescue_topic *t;
    const fescue_subscription *s;
    fescue_frame f;
    int status = FESCUE_OK;
    for (t = c->topics; t != NULL && status == FESCUE_OK; t = t->next) {
        begin_frame(&f, FESCUE_REGISTER, t->id);
        f.rest = view_of(t->name);
        status = hold(c, &f);
    }
    for (s = c->subscriptions; s != NULL && status == FESCUE_OK; s = s->next) {
        subscribe_frame(&f, s, 1);
        status = hold(c, &f);
        if (status == FESCUE_OK) status = hold_credit(c, s);
    }
    return status == FESCUE_OK ? fescue_flush(c) : status;
}

static int connect_once(fescue_client *c) {
    int status = c->worker ? FESCUE_OK : open_link(c);
    c->open = status == FESCUE_OK;
    c->session++;
    if (status == FESCUE_OK) status = greet(c);
    if (status == FESCUE_OK) status = resume(c);
    if (status == FESCUE_OK) return FESCUE_OK;
    drop_link(c);
    return status;
}

/* Waits until the next attempt is due: 1; 0: not before the deadline; FESCUE_STOPPED. */
static int pause_before(fescue_client *c, int64_t deadline) {
    int64_t until = c->retry_at;
    struct pollfd p;
    if (c->stopping) return FESCUE_STOPPED;
    if (deadline >= 0 && deadline < until) until = deadline;
    p.fd = c->wake[0];
    p.events = POLLIN;
    p.revents = 0;
    if (poll(&p, 1, left_ms(until)) > 0) c->stopping = 1;
    if (c->stopping) return FESCUE_STOPPED;
    return now_ms() >= c->retry_at;
}

/* Whether there is no use in trying again: the address is wrong, or the token is no longer known. A broker that has just been
 * started may not know it yet. */
static int is_final(fescue_client *c, int status) {
    if (status == FESCUE_BAD_VERSION || status == FESCUE_ARGUMENT) return 1;
    if (status != FESCUE_UNAUTHENTICATED) return 0;
    if (c->refused_at == 0) c->refused_at = now_ms();
    return now_ms() - c->refused_at > TOKEN_PATIENCE;
}

static int reconnect(fescue_client *c, int64_t deadline) {
    int status = pause_before(c, deadline);
    if (status <= 0) return status;
    status = connect_once(c);
    c->pause_ms = 2 * c->pause_ms < LONGEST_PAUSE ? 2 * c->pause_ms : LONGEST_PAUSE;
    c->retry_at = now_ms() + c->pause_ms;
    if (status == FESCUE_ROOM || status == FESCUE_STOPPED) return status;
    if (status < 0) return is_final(c, status) ? (c->fatal = status) : 0;
    c->pause_ms = FIRST_PAUSE;
    c->refused_at = 0;
    return 1;
}

/* Waits for the link to come back, if it is lost. */
static int need_link(fescue_client *c) {
    int64_t deadline;
    if (c->open) return FESCUE_OK;
    deadline = deadline_in(c->options.timeout_ms);
    while (!c->open) {
        int status = pump(c, deadline);
        if (status < 0) return status;
        if (!c->open && left_ms(deadline) == 0)
            return failed(c, FESCUE_LOST, "the link to Data Xchange is lost and did not come back", view_of(NULL));
    }
    return FESCUE_OK;
}

static int fill_options(fescue_client *c, const fescue_options *options) {
    if (options != NULL) c->options = *options;
    if (c->options.address == NULL) c->options.address = getenv("FESCUE_EXCHANGE");
    if (c->options.token == NULL) c->options.token = getenv("FESCUE_TOKEN");
    if (c->options.token == NULL) c->options.token = "";
    if (c->options.name == NULL) c->options.name = "fescue-c " FESCUE_VERSION;
    if (c->options.timeout_ms <= 0) c->options.timeout_ms = 10000;
    if (c->options.address != NULL || c->worker) return FESCUE_OK;
    return failed(c, FESCUE_ARGUMENT, "FESCUE_EXCHANGE is not set",
                  view_of("the agent sets it for the applications it starts: deploy this program with `fescue deploy`"));
}

/* A number that no other client has: the time, the process, and the place in its memory. */
static uint64_t nonce_of(const fescue_client *c) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return ((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec) ^ (uint64_t)getpid() << 40 ^ (uint64_t)(uintptr_t)c;
}

/* A client that is not connected yet. */
static int prepare(fescue_client *c, void *in, size_t in_size, void *out, size_t out_size) {
    memset(c, 0, sizeof *c);
    c->in = in;
    c->in_size = in_size;
    c->out = out;
    c->out_size = out_size;
    c->pause_ms = FIRST_PAUSE;
    c->nonce = nonce_of(c);
    c->reading = c->writing = c->lifeline = -1;
    if (pipe(c->wake) != 0) {
        c->wake[0] = c->wake[1] = -1;
        return failed_by(c, "making a pipe");
    }
    keep_from_children(c->wake[0]);
    keep_from_children(c->wake[1]);
    fcntl(c->wake[1], F_SETFL, O_NONBLOCK);
    return FESCUE_OK;
}

static void dispose(fescue_client *c) {
    drop_link(c);
    close_fd(&c->wake[0]);
    close_fd(&c->wake[1]);
    c->fatal = FESCUE_STOPPED;
}

int fescue_connect(fescue_client *c, void *in, size_t in_size, void *out, size_t out_size, const fescue_options *options) {
    int status = prepare(c, in, in_size, out, out_size);
    if (status == FESCUE_OK) status = fill_options(c, options);
    if (status == FESCUE_OK) status = connect_once(c);
    if (status < 0) dispose(c);
    return status;
}

void fescue_stop(fescue_client *c) {
    int before = errno;
    ssize_t n = write(c->wake[1], "", 1); /* a full pipe wakes as well */
    (void)n;
    errno = before;
}

void fescue_close(fescue_client *c, int timeout_ms) {
    int64_t deadline = deadline_in(timeout_ms);
    fescue_frame f;
    c->closing = 1;
    begin_frame(&f, FESCUE_GOODBYE, 0);
    if (c->open && send_here(c, &f) == FESCUE_OK && fescue_flush(c) == FESCUE_OK) {
        /* Everything sent has been handled when the broker closes. */
        while (left_ms(deadline) != 0 && wait_link(c, 0, deadline) == 1)
            if (read_link(c, c->in, c->in_size) < 0) break;
    }
    c->held = c->taken = c->scanned = c->filled = 0;
    dispose(c);
}
