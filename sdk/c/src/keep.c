/* What the broker keeps: kept topics, their history, the application's state. */

/* A message id of this client's own: NONCE-COUNT. */
static fescue_view message_id(fescue_client *c, char *room, size_t size) {
    snprintf(room, size, "%08lx%08lx-%lx", (unsigned long)(c->nonce >> 32), (unsigned long)(c->nonce & 0xFFFFFFFF), (unsigned long)++c->stores);
    return view_of(room);
}

int fescue_store(fescue_client *c, const char *topic, const void *data, size_t size) {
    int64_t deadline = deadline_in(c->options.timeout_ms);
    char id[FESCUE_MAX_MESSAGE_ID];
    fescue_frame f;
    int status = check_topic(c, topic);
    if (status == FESCUE_OK) status = check_size(c, 4 + FESCUE_MAX_MESSAGE_ID + strlen(topic) + size, topic);
    if (status < 0) return status;
    begin_frame(&f, FESCUE_STORE, 0);
    f.first = message_id(c, id, sizeof id);
    f.second = view_of(topic);
    f.rest = bytes_of(data, size);
    do { /* sent again on the next link, with the same message id, it is stored once */
        f.id = next_request(c);
        status = ask(c, &f, c->options.timeout_ms, "STORE");
    } while (status == FESCUE_LOST && left_ms(deadline) > 0);
    return status;
}

int fescue_consume(fescue_client *c, fescue_subscription *s, const char *place, const char *filter, fescue_handler handler, void *user) {
    size_t n = place == NULL ? 0 : strlen(place);
    if (n < 1 || n > 64) return failed(c, FESCUE_ARGUMENT, "the name of a place has 1 to 64 bytes", view_of(NULL));
    s->place = place;
    return subscribe(c, s, FESCUE_CONSUME, filter, handler, user);
}

int fescue_ack(fescue_client *c, const fescue_message *m, enum fescue_verdict verdict, uint32_t delay_ms) {
    fescue_frame f;
    if (m->type != FESCUE_DELIVERY) return failed(c, FESCUE_ARGUMENT, "this is no delivery", view_of(NULL));
    if (verdict != FESCUE_STILL_AT_IT) c->answered = 1;
    if (m->subscription->id == 0 || m->session != c->session || !c->open) return FESCUE_OK; /* it will be delivered again */
    begin_frame(&f, FESCUE_ACK, m->subscription->id);
    f.sequence = m->sequence;
    f.choice = (uint8_t)verdict;
    f.number = verdict == FESCUE_AGAIN ? delay_ms : 0;
    return send_here(c, &f);
}

/* A frame with a request's id and one text. */
static int ask_about(fescue_client *c, enum fescue_type type, const char *text, const char *what) {
    fescue_frame f;
    int status = check_topic(c, text);
    if (status < 0) return status;
    begin_frame(&f, type, next_request(c));
    f.rest = view_of(text);
    return ask(c, &f, c->options.timeout_ms, what);
}

int fescue_forget(fescue_client *c, const char *place) { return ask_about(c, FESCUE_FORGET, place, "FORGET"); }

static void begin_listing(fescue_client *c, uint8_t type, uint32_t id, fescue_handler handler, void *user) {
    memset(&c->listing, 0, sizeof c->listing);
    c->listing.type = type;
    c->listing.id = id;
    c->listing.handler = handler;
    c->listing.user = user;
}

static long end_listing(fescue_client *c, int status) {
    c->listing.id = 0;
    return status < 0 ? status : c->listing.count;
}

long fescue_history(fescue_client *c, const char *filter, uint64_t from, uint64_t until, long limit, fescue_handler handler, void *user) {
    fescue_frame f;
    int status = check_topic(c, filter);
    if (status < 0) return status;
    begin_frame(&f, FESCUE_HISTORY, next_request(c));
    if (limit < 0) f.flags = FESCUE_NEWEST;
    f.number = (uint32_t)(limit < 0 ? -limit : limit);
    f.time = from;
    f.until = until;
    f.rest = view_of(filter);
    begin_listing(c, FESCUE_PAST, f.id, handler, user);
    return end_listing(c, ask(c, &f, c->options.timeout_ms, "HISTORY"));
}

long fescue_get(fescue_client *c, const char *key, void *value, size_t room, uint64_t *revision) {
    int status;
    c->wait.reply = value;
    c->wait.room = room;
    status = ask_about(c, FESCUE_GET, key, "GET");
    if (status < 0) return status;
    if (revision != NULL) *revision = c->wait.revision;
    return c->wait.size > room ? failed(c, FESCUE_ROOM, "the value is larger than the room for it", view_of(key)) : (long)c->wait.size;
}

static int change(fescue_client *c, fescue_frame *f, const char *key, uint64_t *revision) {
    int status = check_topic(c, key);
    if (status == FESCUE_OK) status = check_size(c, 18 + strlen(key) + f->rest.size, key);
    if (status < 0) return status;
    f->id = next_request(c);
    status = ask(c, f, c->options.timeout_ms, "a change of the state");
    if (status == FESCUE_OK && revision != NULL) *revision = c->wait.revision;
    return status;
}

static int put(fescue_client *c, const char *key, fescue_view value, uint32_t ttl_s, int condition, uint64_t expected, uint64_t *revision) {
    fescue_frame f;
    begin_frame(&f, FESCUE_PUT, 0);
    f.choice = (uint8_t)condition;
    f.number = ttl_s;
    f.sequence = expected;
    f.first = view_of(key);
    f.rest = value;
    return change(c, &f, key, revision);
}

int fescue_put(fescue_client *c, const char *key, const void *value, size_t size, uint32_t ttl_s, uint64_t *revision) {
    return put(c, key, bytes_of(value, size), ttl_s, 0, 0, revision);
}

int fescue_put_if(fescue_client *c, const char *key, const void *value, size_t size, uint32_t ttl_s, uint64_t expected, uint64_t *revision) {
    return put(c, key, bytes_of(value, size), ttl_s, 1, expected, revision);
}

static int delete_key(fescue_client *c, const char *key, int condition, uint64_t expected) {
    fescue_frame f;
    begin_frame(&f, FESCUE_DELETE, 0);
    f.choice = (uint8_t)condition;
    f.sequence = expected;
    f.rest = view_of(key);
    return change(c, &f, key, NULL);
}

int fescue_delete(fescue_client *c, const char *key) { return delete_key(c, key, 0, 0); }

int fescue_delete_if(fescue_client *c, const char *key, uint64_t expected) { return delete_key(c, key, 1, expected); }

int fescue_watch(fescue_client *c, fescue_subscription *s, const char *filter, fescue_handler handler, void *user) {
    if (s->flags > (FESCUE_WITH_PRESENT | FESCUE_KEYS_ONLY) || (s->flags & FESCUE_ONLY_PRESENT))
        return failed(c, FESCUE_ARGUMENT, "the flags of the watch are none: is it zeroed?", view_of(filter));
    return subscribe(c, s, FESCUE_WATCH, filter, handler, user);
}

long fescue_keys(fescue_client *c, const char *filter, fescue_handler handler, void *user) {
    int64_t deadline = deadline_in(c->options.timeout_ms);
    fescue_frame f;
    uint32_t session;
    int status = check_topic(c, filter);
    uint16_t id = status < 0 ? 0 : free_id(c);
    if (id == 0) return status < 0 ? status : FESCUE_LIMIT;
    begin_frame(&f, FESCUE_WATCH, id);
    f.flags = FESCUE_WITH_PRESENT | FESCUE_ONLY_PRESENT | FESCUE_KEYS_ONLY;
    f.rest = view_of(filter);
    begin_listing(c, FESCUE_CHANGE, id, handler, user);
    status = ask(c, &f, c->options.timeout_ms, "WATCH");
    for (session = c->session; status >= 0 && !c->listing.done;) {
        status = pump(c, deadline);
        if (status == FESCUE_STOPPED && c->open) status = 0;
        if (session != c->session || !c->open || (status == 0 && left_ms(deadline) == 0))
            status = failed(c, FESCUE_LOST, "the link was lost before all keys came", view_of(NULL));
    }
    return end_listing(c, status);
}
