/* What a program asks for. */

/* Waits until the broker takes another message, where it limits them. */
static int spend_grant(fescue_client *c, const fescue_frame *f) {
    int64_t deadline;
    if (!c->granting || (f->type != FESCUE_PUBLISH && f->type != FESCUE_PUBLISHTO && f->type != FESCUE_REQUEST && f->type != FESCUE_STORE)) return FESCUE_OK;
    deadline = deadline_in(c->options.timeout_ms);
    while (c->open && c->granting && c->grants == 0) {
        int status = pump(c, deadline);
        if (status < 0) return status;
        if (status == 0 && left_ms(deadline) == 0) return failed(c, FESCUE_LOST, "Data Xchange takes no messages", view_of(NULL));
    }
    if (c->grants > 0) c->grants--;
    return FESCUE_OK;
}

/* Sends a frame and waits for its answer; the frame is told again on the next link if it is one of those that are. */
static int ask(fescue_client *c, const fescue_frame *f, int timeout_ms, const char *what) {
    int64_t deadline = deadline_in(timeout_ms);
    int status = need_link(c);
    if (status < 0) return status;
    c->wait.type = f->type;
    c->wait.id = f->id;
    c->wait.done = 0;
    status = spend_grant(c, f);
    if (status == FESCUE_OK) status = send_here(c, f);
    if (status == FESCUE_LOST && !c->wait.done && !c->worker) status = FESCUE_OK; /* the next link is told */
    while (status >= 0 && !c->wait.done) {
        status = pump(c, deadline);
        if (status == FESCUE_STOPPED && c->open) status = FESCUE_OK; /* the answer is still to come */
        if (status == 0 && left_ms(deadline) == 0) status = failed(c, FESCUE_LOST, "Data Xchange did not answer", view_of(what));
    }
    if (c->wait.done) status = c->wait.status;
    c->wait.type = 0;
    return status < 0 ? status : FESCUE_OK;
}

/* Why a name cannot be sent at all; the rest the broker checks. */
static int check_topic(fescue_client *c, const char *topic) {
    size_t n = topic == NULL ? 0 : strlen(topic);
    return n >= 1 && n <= FESCUE_MAX_TOPIC ? FESCUE_OK : failed(c, FESCUE_INVALID_TOPIC, "a topic has 1 to 1,024 bytes", view_of(NULL));
}

static int check_size(fescue_client *c, size_t body, const char *topic) {
    return body <= c->max_body ? FESCUE_OK : failed(c, FESCUE_TOO_LARGE, "larger than the broker accepts", view_of(topic));
}

static uint32_t next_request(fescue_client *c) { return ++c->last_request != 0 ? c->last_request : ++c->last_request; }

int fescue_publish_to(fescue_client *c, const char *topic, const void *data, size_t size) {
    fescue_frame f;
    int status = check_topic(c, topic);
    if (status == FESCUE_OK) status = check_size(c, 2 + strlen(topic) + size, topic);
    if (status < 0) return status;
    begin_frame(&f, FESCUE_PUBLISHTO, next_request(c));
    f.first = view_of(topic);
    f.rest = bytes_of(data, size);
    return ask(c, &f, c->options.timeout_ms, "PUBLISHTO");
}

/* An id for a topic or subscription that no other has; 0 if all are taken. */
static uint16_t free_id(fescue_client *c) {
    uint32_t tries;
    for (tries = 0; tries < 0xFFFF; tries++) {
        c->last_id = c->last_id == 0xFFFF ? 1 : (uint16_t)(c->last_id + 1);
        if (find_topic(c, c->last_id) == NULL && find_subscription(c, c->last_id) == NULL) return c->last_id;
    }
    failed(c, FESCUE_LIMIT, "more than 65,535 topics and subscriptions", view_of(NULL));
    return 0;
}

int fescue_register(fescue_client *c, fescue_topic *topic, const char *name) {
    fescue_frame f;
    int status = check_topic(c, name);
    if (status < 0) return status;
    if (!topic->known) {
        topic->id = free_id(c);
        if (topic->id == 0) return FESCUE_LIMIT;
        topic->name = name;
        topic->next = c->topics;
        topic->known = 1;
        topic->granted = 0;
        c->topics = topic;
    }
    if (topic->granted) return FESCUE_OK;
    begin_frame(&f, FESCUE_REGISTER, topic->id);
    f.rest = view_of(name);
    status = ask(c, &f, c->options.timeout_ms, "REGISTER");
    if (status < 0 && topic->known) forget_topic(c, topic);
    return status;
}

enum { GLANCE = 50 }; /* ms */

/* Looks now and then, without waiting, at what has come: a program that only publishes would not meet its errors else. */
static void glance(fescue_client *c) {
    int64_t now;
    if (c->options.hold && ++c->unread < 64) return;
    c->unread = 0;
    now = now_ms();
    if (now - c->glanced < GLANCE) return;
    c->glanced = now;
    if (c->open) pump(c, 0);
}

int fescue_publish(fescue_client *c, fescue_topic *topic, const void *data, size_t size) {
    fescue_frame f;
    int status = FESCUE_OK;
    glance(c);
    if (!topic->granted) status = fescue_register(c, topic, topic->name);
    if (status == FESCUE_OK) status = check_size(c, size, topic->name);
    if (status < 0) return status;
    begin_frame(&f, FESCUE_PUBLISH, topic->id);
    f.rest = bytes_of(data, size);
    if ((status = spend_grant(c, &f)) < 0) return status;
    return send_anyhow(c, &f);
}

/* Makes a subscription of any kind. */
static int subscribe(fescue_client *c, fescue_subscription *s, uint8_t made_by, const char *filter, fescue_handler handler, void *user) {
    fescue_frame f;
    int status = check_topic(c, filter);
    if (status < 0) return status;
    if ((s->id = free_id(c)) == 0) return FESCUE_LIMIT;
    s->made_by = made_by;
    s->filter = filter;
    s->handler = handler;
    s->user = user;
    s->ended = 0;
    s->next = c->subscriptions;
    c->subscriptions = s;
    subscribe_frame(&f, s, 0);
    status = ask(c, &f, c->options.timeout_ms, "SUBSCRIBE");
    if (status < 0 && s->ended == 0) end_subscription(c, s, status);
    return status;
}

int fescue_subscribe(fescue_client *c, fescue_subscription *s, const char *filter, fescue_handler handler, void *user) {
    uint32_t credit = s->credit;
    int status;
    if (s->policy > FESCUE_BLOCK || s->flags > (FESCUE_ANSWERS | FESCUE_NOT_OWN | FESCUE_BY_CREDIT))
        return failed(c, FESCUE_ARGUMENT, "the policy or flags of the subscription are none: is it zeroed?", view_of(filter));
    s->credit = 0;
    status = subscribe(c, s, FESCUE_SUBSCRIBE, filter, handler, user);
    return status == FESCUE_OK && credit > 0 ? fescue_credit(c, s, credit) : status;
}

int fescue_credit(fescue_client *c, fescue_subscription *s, uint32_t number) {
    fescue_frame f;
    int status = need_link(c);
    if (status < 0) return status;
    if (s->id == 0 || !(s->flags & FESCUE_BY_CREDIT)) return failed(c, FESCUE_ARGUMENT, "this is no subscription by credit", view_of(s->filter));
    s->credit += number;
    begin_frame(&f, FESCUE_CREDIT, s->id);
    f.number = number;
    status = send_here(c, &f);
    return status == FESCUE_LOST ? FESCUE_OK : status; /* the next link is told */
}

int fescue_unsubscribe(fescue_client *c, fescue_subscription *s) {
    fescue_frame f;
    int status;
    if (s->id == 0) return FESCUE_OK;
    begin_frame(&f, s->made_by == FESCUE_WATCH ? FESCUE_UNWATCH : FESCUE_UNSUBSCRIBE, s->id);
    end_subscription(c, s, FESCUE_STOPPED);
    status = ask(c, &f, c->options.timeout_ms, "UNSUBSCRIBE");
    return status == FESCUE_LOST || status == FESCUE_UNKNOWN_ID ? FESCUE_OK : status; /* it ended with its session */
}

long fescue_request(fescue_client *c, const char *topic, const void *data, size_t size, void *reply, size_t room, int timeout_ms) {
    fescue_frame f;
    int status = check_topic(c, topic);
    if (status == FESCUE_OK) status = check_size(c, 6 + strlen(topic) + size, topic);
    if (status < 0) return status;
    if (timeout_ms <= 0) timeout_ms = c->options.timeout_ms;
    begin_frame(&f, FESCUE_REQUEST, next_request(c));
    f.timeout_ms = (uint32_t)timeout_ms;
    f.first = view_of(topic);
    f.rest = bytes_of(data, size);
    c->wait.reply = reply;
    c->wait.room = room;
    status = ask(c, &f, timeout_ms + 1000, "REQUEST"); /* the broker watches the time */
    if (status < 0) return status;
    return c->wait.size > room ? failed(c, FESCUE_ROOM, "the answer is larger than the room for it", view_of(topic)) : (long)c->wait.size;
}

long fescue_invoke(fescue_client *c, const char *function, const void *data, size_t size, void *reply, size_t room, int timeout_ms) {
    static const char calls[] = "$fescue/invoke/";
    char topic[sizeof calls + 63]; /* a function's name is a DNS label */
    const size_t length = strlen(function);
    if (length == 0 || length > 63) return failed(c, FESCUE_ARGUMENT, "a function's name has 1 to 63 letters, digits and hyphens", view_of(function));
    memcpy(topic, calls, sizeof calls - 1);
    memcpy(topic + sizeof calls - 1, function, length + 1);
    return fescue_request(c, topic, data, size, reply, room, timeout_ms);
}

int fescue_fd(const fescue_client *c) { return c->open ? c->reading : -1; }

int fescue_log(fescue_client *c, int level, const char *text) {
    static const char *const names[] = {"debug", "info", "warning", "error"};
    fescue_frame f;
    if (level < 0 || level > 3) return failed(c, FESCUE_ARGUMENT, "a log level is 0 to 3", view_of(NULL));
    if (!(c->capabilities & FESCUE_CAN_LOG)) { /* stderr is the application's log as well */
        fprintf(stderr, "%s: %s\n", names[level], text);
        return FESCUE_OK;
    }
    begin_frame(&f, FESCUE_LOG, (uint32_t)level);
    f.rest = cut(view_of(text), 0x8000);
    return send_anyhow(c, &f);
}

int fescue_drain(fescue_client *c) {
    fescue_frame f;
    begin_frame(&f, FESCUE_PING, next_request(c));
    return ask(c, &f, c->options.timeout_ms, "PING");
}
