/* Sending: frames are collected in the output buffer; payloads that do not fit there are written from where they are. */

static void drop_link(fescue_client *c);
static int need_link(fescue_client *c);

/* Writes all of two pieces; FESCUE_LOST if nothing of it is taken for as long as the options' time-out. */
static int write_all(fescue_client *c, const char *a, size_t a_size, const char *b, size_t b_size) {
    while (a_size + b_size > 0) {
        size_t of_a;
        long n = write_link(c, a, a_size, b, b_size);
        if (n < 0) return (int)n;
        if (n == 0) {
            int ready = wait_link(c, 1, deadline_in(c->options.timeout_ms));
            if (ready < 0) return ready;
            if (ready == 0) return failed(c, FESCUE_LOST, "Data Xchange does not read", view_of(NULL));
        }
        of_a = (size_t)n < a_size ? (size_t)n : a_size;
        a += of_a;
        a_size -= of_a;
        b += (size_t)n - of_a;
        b_size -= (size_t)n - of_a;
    }
    return FESCUE_OK;
}

static int flush_with(fescue_client *c, fescue_view rest) {
    int status;
    if (!c->open) return failed(c, FESCUE_LOST, "there is no link to Data Xchange", view_of(NULL));
    status = write_all(c, c->out, c->out_used, rest.data, rest.size);
    c->out_used = 0;
    if (status < 0) drop_link(c);
    return status;
}

int fescue_flush(fescue_client *c) { return c->out_used == 0 ? FESCUE_OK : flush_with(c, view_of(NULL)); }

/* Adds a frame to what is held back, which is written when there is no room for more. */
static int hold(fescue_client *c, const fescue_frame *f) {
    size_t head = fescue_encode_head(f, c->out + c->out_used, c->out_size - c->out_used);
    int status;
    if (head == 0) {
        if ((status = fescue_flush(c)) < 0) return status;
        head = fescue_encode_head(f, c->out, c->out_size);
        if (head == 0) return failed(c, FESCUE_ROOM, "the output buffer is too small for a frame", view_of(NULL));
    }
    c->out_used += head;
    if (f->rest.size > c->out_size - c->out_used) return flush_with(c, f->rest);
    if (f->rest.size > 0) memcpy(c->out + c->out_used, f->rest.data, f->rest.size);
    c->out_used += f->rest.size;
    return FESCUE_OK;
}

/* Sends a frame on this link or not at all. */
static int send_here(fescue_client *c, const fescue_frame *f) {
    int status = c->open ? hold(c, f) : failed(c, FESCUE_LOST, "there is no link to Data Xchange", view_of(NULL));
    return status < 0 || c->options.hold ? status : fescue_flush(c);
}

/* Sends a frame; when the link is lost, on the next one. */
static int send_anyhow(fescue_client *c, const fescue_frame *f) {
    int status;
    do {
        if ((status = need_link(c)) < 0) return status;
        status = send_here(c, f);
    } while (status == FESCUE_LOST);
    return status;
}

static void begin_frame(fescue_frame *f, enum fescue_type type, uint32_t id) {
    memset(f, 0, sizeof *f);
    f->type = (uint8_t)type;
    f->id = id;
}

static fescue_view bytes_of(const void *data, size_t size) {
    fescue_view v;
    v.data = data == NULL ? "" : data;
    v.size = data == NULL ? 0 : size;
    return v;
}
